"""Figures 4 and 5: whether chains and boxes agree, and where attention goes."""
