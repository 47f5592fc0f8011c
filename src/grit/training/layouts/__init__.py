"""How weights, gradients and optimiser states lie on devices."""
