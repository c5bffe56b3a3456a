"""Dynamics of training: SGD, gradient descent and overdamped Langevin dynamics, on two backends."""
