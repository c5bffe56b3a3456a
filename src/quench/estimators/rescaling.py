"""Collapse of displacement curves of different ages: rescaling by the noise, collapse score, slopes, amplitudes.

BJ divide Delta(t_w, t_w + t) by D(t_w) and judge by eye (Fig. 4). Since D changes during the lag, the accumulated noise, the
sum of D(s) over s in [t_w, t_w + t), is the better divisor. It leaves an amplitude without a free parameter: uncorrelated
steps of variance alpha^2 D / B per weight give Delta = (alpha^2 / B) sum D. With a drift of constant direction,
Delta = alpha^2 [sum D / B + (sum |grad L|)^2 / M].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import uniform_filter1d

from quench.estimators.powerlaw import exponents
from quench.numerics.intervals import leaving_out

RESCALINGS = ("raw", "initial_noise", "accumulated_noise", "prediction")
SMOOTHED = 5  # measurements of |grad L|^2 averaged where each has an error
SCORE_POINTS = 25  # number of log-spaced lags at which curves are compared


@dataclass(frozen=True)
class TwoTimeCurves:
    """Displacements of a set of runs and the noise along them.

    ``displacement`` (network, waiting_time, start, lag), NaN where not measured; ``starts`` (waiting_time, start);
    ``noise`` D, ``gradient_square`` |grad L|^2 and its standard error (network, time) at ``noise_times``; rate alpha, batch
    size B, M.
    """

    waiting_times: np.ndarray
    starts: np.ndarray
    lags: np.ndarray
    displacement: np.ndarray
    noise_times: np.ndarray
    noise: np.ndarray
    gradient_square: np.ndarray
    gradient_square_error: np.ndarray
    rate: float
    batch_size: int
    n_weights: int

    @cached_property
    def accumulated_noise(self) -> np.ndarray:
        """sum of D(s), s < t, (network, t) for t = 0 ... last noise time."""
        return np.stack([accumulated(self.noise_times, values) for values in self.noise])

    @cached_property
    def accumulated_gradient(self) -> np.ndarray:
        """sum of |grad L|(s), s < t, (network, t)."""
        pairs = zip(self.gradient_square, self.gradient_square_error, strict=True)
        return np.stack([accumulated(self.noise_times, gradient_size(*pair)) for pair in pairs])

    def divisor(self, rescaling: str) -> np.ndarray:
        """The divisor of Delta, (network, waiting_time, start, lag) or a shape that broadcasts to it."""
        if rescaling == "raw":
            return np.ones((1, 1, 1, 1))
        starts = np.where(self.starts >= 0, self.starts, 0)
        if rescaling == "initial_noise":
            return np.stack([interpolated(self.noise_times, values, starts) for values in self.noise])[..., None]
        noise = self._between(self.accumulated_noise, starts)
        if rescaling == "accumulated_noise":
            return noise
        if rescaling == "prediction":
            drift = self._between(self.accumulated_gradient, starts)
            return self.rate**2 * (noise / self.batch_size + drift**2 / self.n_weights)
        raise ValueError(f"no rescaling {rescaling!r}; known: {', '.join(RESCALINGS)}")

    def _between(self, accumulated: np.ndarray, starts: np.ndarray) -> np.ndarray:
        ends = starts[..., None] + self.lags
        last = accumulated.shape[1] - 1
        sums = accumulated[:, np.minimum(ends, last)] - accumulated[:, starts][..., None]
        return np.where(ends <= last, sums, np.nan)

    def single(self, rescaling: str) -> np.ndarray:
        """Delta over its divisor, mean over the starts, (network, waiting_time, lag)."""
        return _mean(self.displacement / self.divisor(rescaling), 2)

    def rescaled(self, rescaling: str) -> np.ndarray:
        """Mean of ``single`` over the networks, (waiting_time, lag)."""
        return _mean(self.single(rescaling), 0)

    def amplitude(self) -> np.ndarray:
        """Delta / [(alpha^2 / B) sum D], mean over starts, (network, waiting_time, lag); 1 for uncorrelated noise."""
        return self.single("accumulated_noise") * self.batch_size / self.rate**2


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the finite values; NaN where there are none."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interpolated(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """``values`` interpolated at times ``at``, linear in log(t + 1), constant beyond the ends.

    Arithmetic: a geometric interpolation between values that fluctuate would lie below their mean.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(np.shape(at), np.nan)
    found: np.ndarray = np.interp(np.log1p(at), np.log1p(times[known]), values[known])
    return found


def gradient_size(square: np.ndarray, error: np.ndarray) -> np.ndarray:
    """|grad L| from measurements of its square (time) with their standard errors.

    Measurements with an error, which may be negative, are averaged over ``SMOOTHED`` neighbours before the root.
    """
    smooth = uniform_filter1d(np.nan_to_num(square), SMOOTHED, mode="nearest")
    size: np.ndarray = np.sqrt(np.maximum(np.where(error > 0, smooth, square), 0.0))
    return size


def accumulated(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """sum of the interpolated values over s < t, for t = 0, 1, ..., times[-1]."""
    steps = np.arange(times[-1])
    return np.concatenate([[0.0], np.cumsum(interpolated(times, values, steps))])


def collapse_score(curves: np.ndarray, lags: np.ndarray, lag_range: tuple[float, float]) -> float:
    """S = sqrt(mean over log-spaced lags of Var over t_w of log10 X): the scatter of the curves in decades.

    ``curves`` X (waiting_time, lag). Curves that do not cover ``lag_range`` are left out; NaN for fewer than three others.
    """
    low, high = lag_range
    at = np.geomspace(low, high, SCORE_POINTS)
    rows = []
    for curve in curves:
        known = np.isfinite(curve) & (curve > 0)
        if known.any() and lags[known][0] <= low and lags[known][-1] >= high:
            rows.append(np.interp(np.log(at), np.log(lags[known]), np.log10(curve[known])))
    if len(rows) < 3:
        return float("nan")
    return float(np.sqrt(np.var(np.array(rows), axis=0, ddof=1).mean()))


def scores(
    curves: TwoTimeCurves, rescaling: str, waiting_range: tuple[float, float], lag_range: tuple[float, float]
) -> np.ndarray:
    """Collapse score of the mean curves over the waiting times in range: of all networks, then of all but one, (1 + n).

    ``quench.numerics.intervals.jackknife`` makes the interval of a score, or of a ratio of two, from these.
    """
    chosen = (curves.waiting_times >= waiting_range[0]) & (curves.waiting_times <= waiting_range[1])
    single = curves.single(rescaling)[:, chosen]
    return leaving_out(lambda networks: collapse_score(_mean(single[networks], 0), curves.lags, lag_range), len(single))


def slopes_per_decade(curves: np.ndarray, lags: np.ndarray, decades: int) -> np.ndarray:
    """Slope of log X against log lag in every decade of lag, mean over the waiting times, (decade, network).

    ``curves`` X (network, waiting_time, lag), each fitted alone. A curve needs three lags in a decade; NaN without one.
    """
    table = np.full((decades, len(curves)), np.nan)
    for decade in range(decades):
        inside = (lags >= 10.0**decade) & (lags <= 10.0 ** (decade + 1))
        table[decade] = [_mean(exponents(lags[inside], one[:, inside].T, points=3), 0) for one in curves]
    return table


def time_to_displacement(curves: np.ndarray, lags: np.ndarray, level: float) -> np.ndarray:
    """Lag at which each of ``curves`` (curve, lag) first reaches ``level``, interpolated on log axes; NaN if it does not."""
    times = np.full(len(curves), np.nan)
    for row, curve in enumerate(curves):
        known = np.isfinite(curve) & (curve > 0)
        t, x = np.log(lags[known]), np.log(curve[known])
        above = np.flatnonzero(x >= np.log(level))
        if above.size and above[0] > 0:
            k = above[0]
            times[row] = np.exp(t[k - 1] + (np.log(level) - x[k - 1]) / (x[k] - x[k - 1]) * (t[k] - t[k - 1]))
    return times


def drift_crossover(noise: float, gradient_square: float, batch_size: int, n_weights: int) -> float:
    """t* = D M / (B |grad L|^2), in updates: the lag beyond which a straight drift exceeds diffusion.

    Diffusion displaces by alpha^2 D t / B per weight, drift by alpha^2 |grad L|^2 t^2 / M.
    """
    return noise * n_weights / (batch_size * gradient_square) if gradient_square > 0 else float("inf")
