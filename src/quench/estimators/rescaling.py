"""Collapse of displacement curves of different ages: rescaling by the noise, collapse score, slopes, amplitudes.

BJ divide Delta(t_w, t_w + t) by D(t_w) and judge by eye (Fig. 4). Since D changes during the lag, the accumulated noise, the
sum of D(s) over s in [t_w, t_w + t), is the better divisor. It leaves an amplitude without a free parameter: uncorrelated
steps of variance alpha^2 D / B per weight give Delta = (alpha^2 / B) sum D. With a drift of constant direction,
Delta = alpha^2 [sum D / B + (sum |grad L|)^2 / M].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quench.estimators.powerlaw import NONE, Exponent, fit
from quench.estimators.resampling import interval

RESCALINGS = ("raw", "initial_noise", "accumulated_noise", "prediction")
SCORE_RESAMPLES = 200
SCORE_POINTS = 25  # number of log-spaced lags at which curves are compared


@dataclass(frozen=True)
class TwoTimeCurves:
    """Displacements of a set of runs and the noise along them.

    ``displacement`` (network, waiting_time, start, lag), NaN where not measured; ``starts`` (waiting_time, start);
    ``noise`` D and ``gradient_square`` |grad L|^2 (network, time) at ``noise_times``; rate alpha, batch size B, M.
    """

    waiting_times: np.ndarray
    starts: np.ndarray
    lags: np.ndarray
    displacement: np.ndarray
    noise_times: np.ndarray
    noise: np.ndarray
    gradient_square: np.ndarray
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
        return np.stack([accumulated(self.noise_times, np.sqrt(values)) for values in self.gradient_square])

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

    def rescaled(self, rescaling: str, networks: np.ndarray | None = None) -> np.ndarray:
        """Delta over its divisor, mean over the starts and the chosen ``networks`` (default: all), (waiting_time, lag)."""
        ratio = self.displacement / self.divisor(rescaling)
        return _mean(ratio if networks is None else ratio[networks], (0, 2))

    def amplitude(self) -> np.ndarray:
        """Delta / [(alpha^2 / B) sum D], mean over starts and networks, (waiting_time, lag); 1 for uncorrelated noise."""
        return self.rescaled("accumulated_noise") * self.batch_size / self.rate**2


def _mean(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Mean of the finite values; NaN where there are none."""
    known = np.isfinite(values)
    count = known.sum(axis=axes)
    total = np.where(known, values, 0.0).sum(axis=axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def interpolated(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Positive ``values`` interpolated at times ``at``, linear in log value and log(t + 1), constant beyond the ends."""
    known = np.isfinite(values) & (values > 0)
    if not known.any():
        return np.full(np.shape(at), np.nan)
    found: np.ndarray = np.exp(np.interp(np.log1p(at), np.log1p(times[known]), np.log(values[known])))
    return found


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


def score_with_interval(
    curves: TwoTimeCurves, rescaling: str, waiting_range: tuple[float, float], lag_range: tuple[float, float]
) -> tuple[float, float, float]:
    """Collapse score over the waiting times in range, with a 95 % bootstrap interval over networks (NaN for one).

    The interval is the basic one, reflected about the value: a resample contains fewer independent networks, whose
    remaining noise makes its score larger than that of all networks.
    """
    score = _scorer(curves, rescaling, waiting_range, lag_range)
    value, low, high = interval(score, len(curves.displacement), SCORE_RESAMPLES)
    return value, max(2 * value - high, 0.0), max(2 * value - low, 0.0)


def score_gain(
    curves: TwoTimeCurves,
    rescaling: str,
    over: str,
    waiting_range: tuple[float, float],
    lag_range: tuple[float, float],
) -> tuple[float, float, float]:
    """Collapse score of one rescaling over that of another, with its 95 % interval over the same networks in both."""
    first, second = (_scorer(curves, name, waiting_range, lag_range) for name in (rescaling, over))
    return interval(lambda networks: first(networks) / second(networks), len(curves.displacement), SCORE_RESAMPLES)


def _scorer(
    curves: TwoTimeCurves, rescaling: str, waiting_range: tuple[float, float], lag_range: tuple[float, float]
) -> Callable[[np.ndarray], float]:
    """The collapse score as a function of the networks that are averaged."""
    chosen = (curves.waiting_times >= waiting_range[0]) & (curves.waiting_times <= waiting_range[1])
    ratio = (curves.displacement / curves.divisor(rescaling))[:, chosen]
    return lambda networks: collapse_score(_mean(ratio[networks], (0, 2)), curves.lags, lag_range)


@dataclass(frozen=True)
class Slope:
    """Mean local slope d log X / d log t over lags in [``low_lag``, ``high_lag``] and its 95 % interval over curves."""

    low_lag: float
    high_lag: float
    slope: float
    low: float
    high: float
    n_curves: int


def slopes_per_decade(curves: np.ndarray, lags: np.ndarray) -> list[Slope]:
    """Slope of log X against log lag in every decade of lag, mean over ``curves`` (curve, lag), each fitted alone.

    The interval is a bootstrap over curves. A curve needs three lags in a decade; decades without such a curve are left out.
    """
    found = []
    for exponent in range(int(np.floor(np.log10(lags[-1]))) + 1):
        low, high = 10.0**exponent, 10.0 ** (exponent + 1)
        inside = (lags >= low) & (lags <= high)
        fits = [fit(lags[inside], curve[inside]) for curve in curves]
        values = np.array([one.value for one in fits if one.n_points >= 3])
        if values.size:
            found.append(Slope(low, high, *_mean_with_interval(values), len(values)))
    return found


def _mean_with_interval(values: np.ndarray) -> tuple[float, float, float]:
    return interval(lambda chosen: float(values[chosen].mean()), len(values))


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


def ageing_exponent(waiting_times: np.ndarray, reach: np.ndarray, first: float) -> Exponent:
    """Exponent x of ``reach`` ~ t_w^x for waiting times >= ``first``, with its 95 % interval.

    ``reach``: time to a fixed displacement (waiting_time). x = 0 is no ageing, 1 full ageing. Waiting times that do not
    reach the displacement are left out; fewer than three others give NaN.
    """
    chosen = waiting_times >= max(first, 1)
    found = fit(waiting_times[chosen], reach[chosen])
    return found if found.n_points >= 3 else NONE


def drift_crossover(noise: float, gradient_square: float, batch_size: int, n_weights: int) -> float:
    """t* = D M / (B |grad L|^2), in updates: the lag beyond which a straight drift exceeds diffusion.

    Diffusion displaces by alpha^2 D t / B per weight, drift by alpha^2 |grad L|^2 t^2 / M.
    """
    return noise * n_weights / (batch_size * gradient_square) if gradient_square > 0 else float("inf")
