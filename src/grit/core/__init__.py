"""Code that every room may use: files, locks, signals, processes (ranks), seeds, errors."""
