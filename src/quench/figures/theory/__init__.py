"""Figures of theory: reference curves for the networks."""
