"""From measured curves to the numbers that claims are about: transitions, exponents, collapse, bimodality, ageing."""
