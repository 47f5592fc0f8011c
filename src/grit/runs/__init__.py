"""Finished runs: what they wrote, how they are read, told apart and named."""
