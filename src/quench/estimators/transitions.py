"""Positions of the two transitions of the phase diagram: N* on the line lambda = 0, lambda* at fixed width (KWJ Fig. 1).

A network counts as *fitted* when its final data loss is below ``FITTED``; N*/P_D is the point where the isotonic fit to the
share of fitted networks crosses one half, linearly in log(N/P_D). A network counts as *trivial* when its total loss is
within ``TRIVIAL`` of 1/2, the loss at W = 0; its lambda* is the change point that misclassifies the fewest of its grid
points. KWJ read both numbers off the figure by eye.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from quench.numerics.intervals import Estimate, jackknifed, leaving_out

FITTED = 1e-3
ZERO_WEIGHTS_LOSS = 0.5
TRIVIAL = 0.02


def half_crossing(x: ArrayLike, shares: ArrayLike, counts: ArrayLike) -> float:
    """Point where the isotonic fit to ``shares``, weighted by ``counts``, crosses 1/2, linear in log x; all (point).

    ``x`` is sorted and > 0. Infinite where the fit is below 1/2 everywhere (above the grid), 0 where it is above everywhere
    (below the grid).
    """
    log_x, fit = np.log(np.asarray(x, float)), optimize.isotonic_regression(shares, weights=counts).x
    above = np.flatnonzero(fit >= 0.5)
    if not above.size:
        return np.inf
    if above[0] == 0:
        return 0.0
    right = above[0]
    # A plateau at exactly 1/2 is crossed in its middle.
    level = np.flatnonzero(fit == 0.5)
    if level.size:
        return float(np.exp(log_x[level].mean()))
    rise = fit[right] - fit[right - 1]
    return float(np.exp(log_x[right - 1] + (0.5 - fit[right - 1]) / rise * (log_x[right] - log_x[right - 1])))


def fitting_threshold(ratio: ArrayLike, data_loss: ArrayLike, fitted: float = FITTED) -> Estimate:
    """N*/P_D with its jackknife interval over seeds, from ``ratio`` = N/P_D (point) and the ``data_loss`` (point, network).

    A diverged network (NaN) counts as not fitted. A threshold off the grid has no interval.
    """
    ratio, data_loss = np.asarray(ratio, float), np.asarray(data_loss, float)
    order = np.argsort(ratio)
    success = (np.where(np.isfinite(data_loss), data_loss, np.inf) < fitted)[order]
    n_points, count = success.shape

    def crossing(chosen: NDArray[np.int64]) -> float:
        return half_crossing(ratio[order], success[:, chosen].mean(axis=1), np.full(n_points, len(chosen)))

    found = leaving_out(crossing, count)
    inside = np.isfinite(found).all() and (found > 0).all()
    return jackknifed(found, "log") if inside else Estimate(float(found[0]), n=count)


def trivial(total_loss: ArrayLike) -> NDArray[np.bool_]:
    """True for a final total loss equal to that of W = 0, 1/2, to a relative accuracy of ``TRIVIAL``."""
    return np.abs(np.asarray(total_loss, float) - ZERO_WEIGHTS_LOSS) <= TRIVIAL * ZERO_WEIGHTS_LOSS


def change_point(strengths: ArrayLike, is_trivial: ArrayLike) -> float:
    """lambda* of one network: the geometric middle of the gap that best separates non-trivial from trivial points.

    ``strengths`` sorted and > 0 (point), ``is_trivial`` (point). Of several gaps that misclassify the fewest points, the
    middle one is taken, or the geometric mean of the two in the middle. NaN where the best separation lies outside the grid
    (always or never trivial: censored).
    """
    strengths, is_trivial = np.asarray(strengths, float), np.asarray(is_trivial, bool)
    wrong = [is_trivial[:k].sum() + (~is_trivial[k:]).sum() for k in range(len(strengths) + 1)]
    best = np.flatnonzero(np.array(wrong) == min(wrong))
    inside = best[(best > 0) & (best < len(strengths))]
    if len(inside) < len(best):
        return np.nan
    middle = inside[[(len(inside) - 1) // 2, len(inside) // 2]]
    return float(np.exp(np.log([strengths[middle - 1], strengths[middle]]).mean()))


def trivialisation(strengths: ArrayLike, total_loss: ArrayLike) -> NDArray[np.float64]:
    """lambda* of every network (network), from sorted ``strengths`` > 0 (point) and ``total_loss`` (point, network).

    Points at which a network diverged (NaN) are left out for it.
    """
    strengths, losses = np.asarray(strengths, float), np.asarray(total_loss, float)
    known = np.isfinite(losses)
    pairs = zip(losses.T, known.T, strict=True)
    return np.array([change_point(strengths[kept], trivial(column[kept])) for column, kept in pairs])


def largest_rise(losses: ArrayLike) -> NDArray[np.float64]:
    """Largest rise between neighbouring points over the range of each curve; 1 for a single jump.

    ``losses`` (point, ...), sorted along lambda; returns (...).
    """
    curves = np.asarray(losses, float)
    span = curves.max(axis=0) - curves.min(axis=0)
    rise: NDArray[np.float64] = np.diff(curves, axis=0).max(axis=0) / np.where(span > 0, span, np.nan)
    return rise
