"""What the suite's speed claims come from; each script says at its top how it is run."""
