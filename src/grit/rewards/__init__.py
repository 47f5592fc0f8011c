"""One pure function for each part of the reward, and their weighted sum.

A part takes a ``Response`` and returns its value before weighting, or None where it cannot say
because the judge failed.
"""
