"""Figures of Baity-Jesi et al. 2018, and further ones on the same networks."""
