"""The schema of a run's configuration, checks across its fields, and the command line."""
