"""Weights & Biases: what a run logs there, and reports about many runs."""
