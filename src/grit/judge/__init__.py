"""Judges of predicted answers: rules, a model behind a service, or a user's function."""
