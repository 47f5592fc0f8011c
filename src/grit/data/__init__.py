"""Samples and their sources: files in GRIT's format, drawn scenes, and mixtures of both."""
