"""Asking a model about images, outside of training and evaluation."""
