"""The schema, what its types cannot say, and the command line's words."""
