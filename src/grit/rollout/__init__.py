"""N completions of one prompt."""
