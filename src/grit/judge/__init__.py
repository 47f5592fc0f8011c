"""Who says whether a predicted answer is right: rules, or a model behind a service."""
