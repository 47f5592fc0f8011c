"""The evaluation loop, scoring, metrics with their intervals, and controls."""
