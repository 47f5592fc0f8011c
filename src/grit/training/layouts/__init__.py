"""Layouts: how weights, gradients and optimiser states are distributed over the ranks."""
