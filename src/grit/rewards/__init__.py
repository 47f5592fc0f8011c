"""The reward: one pure function for each term, and their weighted sum.

A term takes a ``Response`` and returns its value before weighting, or None where it needs a judge's
score and the judge failed. Terms that see annotated boxes are masked on rows without any.
"""
