"""GRPO-GR, its log-probabilities, and the Lightning modules around it."""
