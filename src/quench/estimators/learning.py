"""The three regimes of learning: the time t1 at which the loss starts to fall, and t2 at which it has reached its bottom.

BJ read both off the figure by eye (Sec. 3.1). Here, with L_c the loss of the best constant predictor and L_f the mean loss
over the last third of the run:

- t1: the first time with L < 0.9 L_c;
- t2: the first time with L < L_f + 0.02 (L_c - L_f), not reached unless L_f < 0.05 L_c.

The loss is first filtered by a three-point median over the log-spaced times, which removes single spikes, and the times are
interpolated in log t. Each time is that of the mean loss, with a sensitivity range, from other thresholds of its rule, and a
jackknife interval over networks; claims use the times of the single networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from quench.numerics.intervals import jackknifed, leaving_out

ONSET, ONSET_RANGE = 0.9, (0.95, 0.85)
ARRIVAL, ARRIVAL_RANGE = 0.02, (0.05, 0.01)
ZERO_LOSS = 0.05


@dataclass(frozen=True)
class Crossover:
    """``time`` in updates (NaN: not reached), its range over thresholds, its 95 % interval, and ``single`` networks'."""

    time: float
    sensitivity: tuple[float, float]
    interval: tuple[float, float]
    single: tuple[float, ...]

    @property
    def reached(self) -> bool:
        return bool(np.isfinite(self.time))


def crossovers(times: np.ndarray, loss: np.ndarray, constant_loss: float) -> tuple[Crossover, Crossover]:
    """t1 and t2 of the mean ``loss`` (network, time) at sorted ``times`` (updates, may start at 0).

    Networks with a non-finite loss are left out. With fewer than two networks the interval is NaN.
    """
    loss = loss[np.isfinite(loss).all(axis=1)]
    if not len(loss):
        nothing = Crossover(np.nan, (np.nan, np.nan), (np.nan, np.nan), ())
        return nothing, nothing

    def measured(rule: Callable[..., float], nominal: float, others: tuple[float, float]) -> Crossover:
        mean = jackknifed(
            leaving_out(lambda chosen: rule(times, loss[chosen].mean(axis=0), constant_loss, nominal), len(loss)), "log"
        )
        low, high = (rule(times, loss.mean(axis=0), constant_loss, other) for other in others)
        single = tuple(rule(times, one, constant_loss, nominal) for one in loss)
        return Crossover(mean.value, (low, high), (mean.low, mean.high), single)

    return measured(onset, ONSET, ONSET_RANGE), measured(arrival, ARRIVAL, ARRIVAL_RANGE)


def onset(times: np.ndarray, loss: np.ndarray, constant_loss: float, fraction: float = ONSET) -> float:
    """t1: the first time with filtered loss below ``fraction`` of the constant predictor's; NaN if there is none."""
    return first_below(times, smoothed(loss), fraction * constant_loss)


def arrival(times: np.ndarray, loss: np.ndarray, constant_loss: float, fraction: float = ARRIVAL) -> float:
    """t2: the first time at which the filtered loss has only ``fraction`` of its fall left; NaN if not reached."""
    final = final_loss(times, loss)
    if not final < ZERO_LOSS * constant_loss:
        return float("nan")
    return first_below(times, smoothed(loss), final + fraction * (constant_loss - final))


def final_loss(times: np.ndarray, loss: np.ndarray) -> float:
    """L_f: mean of the loss over the measurements in the last third of the run."""
    return float(np.mean(loss[times >= 2 / 3 * times[-1]]))


def smoothed(loss: np.ndarray) -> np.ndarray:
    """Three-point running median along the last axis; the two ends are unchanged."""
    filtered: np.ndarray = median_filter(loss, size=(*(1,) * (loss.ndim - 1), 3), mode="nearest")
    return filtered


def first_below(times: np.ndarray, values: np.ndarray, threshold: float) -> float:
    """First time at which ``values`` fall below ``threshold``, interpolated linearly in log t; NaN if they never do."""
    after = times > 0
    times, values = times[after], values[after]
    below = np.flatnonzero(values < threshold)
    if not below.size:
        return float("nan")
    k = below[0]
    if k == 0:
        return float(times[0])
    share = (values[k - 1] - threshold) / (values[k - 1] - values[k])
    return float(times[k - 1] * (times[k] / times[k - 1]) ** share)


def noise_arrival(times: np.ndarray, noise: np.ndarray, factor: float = 10.0) -> float:
    """Cross-check of t2: the first time after its maximum at which the noise D is below that maximum over ``factor``."""
    noise = smoothed(noise)
    peak = int(np.nanargmax(noise))
    return first_below(times[peak:], noise[peak:], noise[peak] / factor)
