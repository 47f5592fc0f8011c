"""Samples and where they come from: files in GRIT's format, drawn scenes, mixtures of both."""
