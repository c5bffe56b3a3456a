"""Training: keyed randomness, SGD, gradient descent and overdamped Langevin, on two backends."""
