"""The paper's tables and figures, made from what finished runs have written."""
