"""Exponents with intervals: least squares on logarithms, and a maximum-likelihood fit with censored values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from quench.estimators.resampling import draws
from quench.numerics.bootstrap import CONFIDENCE, percentiles


@dataclass(frozen=True)
class Exponent:
    """``y = exp(intercept) x^value``; ``low`` and ``high`` are the ends of the 95 % interval, NaN where there is none."""

    value: float
    low: float
    high: float
    intercept: float
    n_points: int


NONE = Exponent(np.nan, np.nan, np.nan, np.nan, 0)


def fit(x: ArrayLike, y: ArrayLike, low: ArrayLike | None = None, high: ArrayLike | None = None) -> Exponent:
    """Least-squares exponent of y(x) on log axes; ``low`` and ``high`` are the ends of each point's 95 % interval.

    With intervals, a point has weight 1/s^2 with s = log(high/low) / (2 * 1.96), but at least 1e-3. The interval of the
    exponent follows from these errors or from the scatter about the line, whichever is larger (Student t with n - 2
    degrees of freedom). Points that are not positive and finite are left out; fewer than two give ``NONE``.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    kept = (x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)
    spread = np.ones(len(x))
    if low is not None and high is not None:
        low, high = np.asarray(low, float), np.asarray(high, float)
        kept &= (low > 0) & np.isfinite(high) & (high > 0)
        ratio = np.divide(high, low, out=np.ones_like(high), where=kept)
        spread = np.maximum(np.log(ratio) / (2 * 1.96), 1e-3)
    count = int(kept.sum())
    if count < 2 or np.ptp(np.log(x[kept])) == 0:
        return NONE
    log_x, log_y, weight = np.log(x[kept]), np.log(y[kept]), spread[kept] ** -2.0
    centre = np.average(log_x, weights=weight)
    moment = float((weight * (log_x - centre) ** 2).sum())
    slope = float((weight * (log_x - centre) * log_y).sum() / moment)
    intercept = float(np.average(log_y, weights=weight) - slope * centre)
    if count < 3:
        return Exponent(slope, np.nan, np.nan, intercept, count)
    chi_squared = float((weight * (log_y - intercept - slope * log_x) ** 2).sum()) / (count - 2)
    scale = chi_squared if low is None else max(chi_squared, 1.0)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 2)) * np.sqrt(scale / moment)
    return Exponent(slope, slope - half, slope + half, intercept, count)


def censored_fit(x: ArrayLike, y: ArrayLike, limit: ArrayLike) -> Exponent:
    """Exponent of y(x) by maximum likelihood (Tobit on logarithms), where y is NaN if it lies beyond ``limit``.

    log y = a + b log x + s e with normal e; a censored value contributes the probability that it lies beyond its limit,
    since leaving it out would bias b low. ``x`` (point), ``y`` and ``limit`` (point, network). The interval resamples
    networks. NaN where fewer than two points have values.
    """
    x = np.asarray(x, float)
    y, limit = np.asarray(y, float), np.asarray(limit, float)
    value, intercept, count = _tobit(x, y, limit)
    n_networks = y.shape[1]
    if n_networks < 2 or not np.isfinite(value):
        return Exponent(value, np.nan, np.nan, intercept, count)
    samples = np.array([_tobit(x, y[:, chosen], limit[:, chosen])[0] for chosen in draws(n_networks, 200)])
    low, high = percentiles(samples[np.isfinite(samples)]) if np.isfinite(samples).any() else (np.nan, np.nan)
    return Exponent(value, float(low), float(high), intercept, count)


def _tobit(x: NDArray[np.float64], y: NDArray[np.float64], limit: NDArray[np.float64]) -> tuple[float, float, int]:
    """(exponent, intercept, number of uncensored values)."""
    log_x = np.broadcast_to(np.log(x)[:, None], y.shape)
    seen = np.isfinite(y) & (y > 0)
    beyond = ~seen & np.isfinite(limit) & (limit > 0)
    if len(np.unique(log_x[seen])) < 2:
        return np.nan, np.nan, int(seen.sum())
    log_y, log_limit = np.log(y[seen]), np.log(limit[beyond])
    slope, intercept = np.polyfit(log_x[seen], log_y, 1)
    scatter = max(float(np.std(log_y - intercept - slope * log_x[seen])), 1e-3)
    if not beyond.any():
        return float(slope), float(intercept), int(seen.sum())

    def cost(parameters: NDArray[np.float64]) -> float:
        b, a, log_s = parameters
        s = np.exp(log_s)
        inside = stats.norm.logpdf((log_y - a - b * log_x[seen]) / s).sum() - seen.sum() * log_s
        return -float(inside + stats.norm.logsf((log_limit - a - b * log_x[beyond]) / s).sum())

    best = optimize.minimize(cost, [slope, intercept, np.log(scatter)], method="Nelder-Mead", options={"maxiter": 2000})
    return float(best.x[0]), float(best.x[1]), int(seen.sum())
