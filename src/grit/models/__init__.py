"""An adapter for each model family over stock transformers classes, and the tiny models."""
