"""Pages to look at: a run's report, and one page about many runs."""
