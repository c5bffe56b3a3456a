"""Estimators of the numbers that claims judge: transitions, exponents, collapse, bimodality, ageing."""
