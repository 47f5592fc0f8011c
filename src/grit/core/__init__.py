"""What every room may use: files, locks, signals, processes, seeds, errors."""
