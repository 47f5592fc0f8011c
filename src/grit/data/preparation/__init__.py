"""Downloading, converting and checking the paper's data, in the layout of GRIT_data."""
