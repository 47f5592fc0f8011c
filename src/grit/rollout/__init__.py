"""Rollouts: sampling N completions of each prompt."""
