"""Pre-training of the tiny models on drawn scenes: eyes first, then language, then bad habits."""
