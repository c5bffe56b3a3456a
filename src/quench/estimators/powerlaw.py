"""Exponents: least squares on logarithms, of one curve or of every network, and a fit that takes censored values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Exponent:
    """``y = exp(intercept) x^value`` through ``n_points``."""

    value: float
    intercept: float
    n_points: int


NONE = Exponent(np.nan, np.nan, 0)
# Values of one network scatter by at least this about their power law; without a bound two points make the fit singular.
LEAST_SCATTER = 0.01


def fit(x: ArrayLike, y: ArrayLike) -> Exponent:
    """Least-squares exponent of y(x) on log axes. Points that are not positive and finite are left out; fewer than two
    give ``NONE``.

    It has no interval: points of one curve are correlated. ``exponents`` gives one number per network.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    kept = (x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)
    count = int(kept.sum())
    if count < 2 or np.ptp(np.log(x[kept])) == 0:
        return NONE
    slope, intercept = np.polyfit(np.log(x[kept]), np.log(y[kept]), 1).tolist()
    return Exponent(slope, intercept, count)


def exponents(x: ArrayLike, y: ArrayLike, points: int = 2) -> NDArray[np.float64]:
    """Exponent of y(x) of every network, (network), from ``x`` (point) and ``y`` (point, network).

    NaN for a network with fewer than ``points`` positive and finite values.
    """
    fits = [fit(x, column) for column in np.asarray(y, float).T]
    return np.array([found.value if found.n_points >= points else np.nan for found in fits])


def censored_exponents(x: ArrayLike, y: ArrayLike, limit: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exponents and intercepts (network) of y(x) by maximum likelihood, where y is NaN if it lies beyond ``limit``.

    Tobit on logarithms: log y = a + b log x + s e with normal e; a censored value contributes the probability that it lies
    beyond its limit, since leaving it out would bias b low. ``x`` (point), ``y`` and ``limit`` (point, network). NaN for a
    network with fewer than two values.
    """
    x = np.asarray(x, float)
    pairs = zip(np.asarray(y, float).T, np.asarray(limit, float).T, strict=True)
    found = np.array([_tobit(x, values, bounds) for values, bounds in pairs]).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _tobit(x: NDArray[np.float64], y: NDArray[np.float64], limit: NDArray[np.float64]) -> tuple[float, float]:
    """(exponent, intercept) of one network."""
    log_x = np.log(x)
    seen = np.isfinite(y) & (y > 0)
    beyond = ~seen & np.isfinite(limit) & (limit > 0)
    if seen.sum() < 2:
        return np.nan, np.nan
    log_y, log_limit = np.log(y[seen]), np.log(limit[beyond])
    slope, intercept = np.polyfit(log_x[seen], log_y, 1)
    if not beyond.any():
        return float(slope), float(intercept)
    scatter = max(float(np.std(log_y - intercept - slope * log_x[seen])), LEAST_SCATTER)

    def cost(parameters: NDArray[np.float64]) -> float:
        b, a, log_s = parameters
        s = max(np.exp(log_s), LEAST_SCATTER)
        deviations = (log_y - a - b * log_x[seen]) / s
        inside = (-(deviations**2) / 2 - np.log(np.sqrt(2 * np.pi))).sum() - seen.sum() * np.log(s)
        return -float(inside + scipy.special.log_ndtr(-(log_limit - a - b * log_x[beyond]) / s).sum())

    # Loaded where it is used: scipy imports its parts at their first use, and this one takes half a second.
    best = scipy.optimize.minimize(
        cost, [slope, intercept, np.log(scatter)], method="Nelder-Mead", options={"maxiter": 2000}
    )
    return float(best.x[0]), float(best.x[1])
