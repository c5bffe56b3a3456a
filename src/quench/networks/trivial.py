"""The trivial phase: weight decay has driven all weights of a network to zero (KWJ 2024, Fig. 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Standard deviation of the weights below which they are zero; trained ones have about 0.1, trivial ones 1e-9.
ZERO = 1e-3


def noted(sigma: ArrayLike) -> str:
    """How many networks are in the trivial phase, by the standard deviation of their weights; empty where none is."""
    known = np.asarray(sigma, float)
    count = int((known < ZERO).sum())
    if not count:
        return ""
    return f"{count} of {known.size} networks {'is' if count == 1 else 'are'} in the trivial phase"
