"""Weights & Biases: logging of runs, and reports about many runs."""
