"""Boxes and their coordinate spaces, prompts, reading traces, drawing boxes on images."""
