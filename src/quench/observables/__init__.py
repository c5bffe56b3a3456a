"""Observables of trajectories: overlap, displacement, non-Gaussianity, relaxation times, mobility, noise, curvature."""
