"""Analytic and numerical references: Brownian weights, harmonic well, p-spin, mode-coupling."""
