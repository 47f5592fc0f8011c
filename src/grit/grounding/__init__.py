"""Boxes, prompts, traces and drawings: what grounded reasoning is made of."""
