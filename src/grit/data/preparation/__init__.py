"""Downloading, converting and checking the data of the paper, in the layout of GRIT_data."""
