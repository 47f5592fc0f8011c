"""Pre-training of the tiny models on drawn scenes: the vision tower first, then the language model.

It ends with a mixture of unreliable traces, so that GRPO-GR has something to improve.
"""
