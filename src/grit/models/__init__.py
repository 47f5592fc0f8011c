"""One adapter per model family over stock transformers classes, and the tiny models."""
