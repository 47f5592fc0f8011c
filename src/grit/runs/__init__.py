"""Runs: their folders and records, evaluations, finished runs, and the jobs of experiments."""
