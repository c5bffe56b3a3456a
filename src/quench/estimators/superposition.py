"""Time-temperature superposition: collapse of Q(t) against t/tau90, and exponent of its master curve (KWJ Fig. 4, A6).

Reference: the overlaps of free Brownian weights all lie on Q = erf(erfinv(0.9) / sqrt(t/tau90)), which has no parameter and
an exponent of about -0.485 in KWJ's window. Every estimate is also made for this curve, at the same points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, erfinv

from quench.estimators.powerlaw import fit

# A curve has left the master curve where its relative difference exceeds this, and this many binomial errors.
DEPARTURE, ERRORS = 0.15, 3
POINTS_PER_DECADE = 8


def brownian_master(scaled: ArrayLike) -> NDArray[np.float64]:
    """Q of free Brownian weights at ``scaled`` = t/tau90 >= 0, any shape."""
    root = np.sqrt(np.asarray(scaled, float))
    overlap: NDArray[np.float64] = erf(np.divide(erfinv(0.9), root, out=np.full_like(root, np.inf), where=root > 0))
    return overlap


def resampled(time: ArrayLike, curve: ArrayLike, grid: ArrayLike) -> NDArray[np.float64]:
    """log10 of ``curve`` at ``grid``, interpolated linearly in log t; NaN outside its points. All times > 0."""
    at, values = np.asarray(time, float), np.asarray(curve, float)
    kept = (at > 0) & (values > 0) & np.isfinite(values) & np.isfinite(at)
    if kept.sum() < 2:
        return np.full(np.shape(grid), np.nan)
    logs: NDArray[np.float64] = np.interp(
        np.log(grid), np.log(at[kept]), np.log10(values[kept]), left=np.nan, right=np.nan
    )
    return logs


def collapse_score(times: Sequence[ArrayLike], curves: Sequence[ArrayLike], window: tuple[float, float]) -> float:
    """Root mean square, over log-spaced times in ``window``, of the standard deviation of log10 Q over the curves.

    0 for a perfect collapse. Times at which fewer than two curves are known are left out; NaN if there are no others.
    """
    if len(curves) < 2:
        return np.nan
    decades = np.log10(window[1] / window[0])
    grid = np.geomspace(*window, max(int(decades * POINTS_PER_DECADE) + 1, 2))
    table = np.array([resampled(time, curve, grid) for time, curve in zip(times, curves, strict=True)])
    table = table[:, np.isfinite(table).sum(axis=0) >= 2]
    return float(np.sqrt(np.nanvar(table, axis=0).mean())) if table.size else np.nan


def departure(scaled: ArrayLike, curve: ArrayLike, n_weights: float = np.inf, share: float = DEPARTURE) -> float:
    """The t/tau90 from which a curve differs from the Brownian master curve by more than ``share``, to its end.

    The difference also has to exceed three binomial errors sqrt(Q (1 - Q) / n) of a count among ``n_weights``: of few
    weights some differ by chance. NaN where the curve ends on the master curve. ``scaled`` and ``curve`` (time); points that
    are not finite are left out.
    """
    times, values = np.asarray(scaled, float), np.asarray(curve, float)
    kept = np.isfinite(values) & np.isfinite(times) & (times > 0)
    times, values = times[kept], values[kept]
    free = brownian_master(times)
    off = np.abs(values - free) > np.maximum(share * free, ERRORS * np.sqrt(free * (1 - free) / n_weights))
    if not off.size or not off[-1]:
        return np.nan
    on = np.flatnonzero(~off)
    return float(times[on[-1] + 1] if on.size else times[0])


def pooled_exponent(
    times: Iterable[ArrayLike], curves: Iterable[ArrayLike], window: tuple[float, float], left: Iterable[float]
) -> tuple[float, float]:
    """Exponent of Q against t/tau90 in ``window``, and that of the Brownian master curve at the same points.

    ``times``: t/tau90 of each curve. One straight line on log axes is fitted to the points of all curves in the window,
    before the times at which they have ``left`` the master curve (NaN: never); NaN for fewer than three points.
    """
    x, y = [], []
    for time, curve, last in zip(times, curves, left, strict=True):
        scaled, values = np.asarray(time, float), np.asarray(curve, float)
        end = last if np.isfinite(last) else np.inf
        inside = (scaled >= window[0]) & (scaled <= window[1]) & (scaled < end) & np.isfinite(values) & (values > 0)
        x.append(scaled[inside])
        y.append(values[inside])
    scaled, values = np.concatenate(x), np.concatenate(y)
    if len(scaled) < 3:
        return np.nan, np.nan
    return fit(scaled, values).value, fit(scaled, brownian_master(scaled)).value
