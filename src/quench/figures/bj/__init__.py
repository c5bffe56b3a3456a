"""The figures of Baity-Jesi et al., and what we add to them."""
