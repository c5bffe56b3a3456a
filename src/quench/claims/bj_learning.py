"""Quantities of BJ Fig. 2 and 5(a): the three regimes of the loss, and its final value; one number per network."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from quench.claims.measured import Measured, Missing, mean, of_panel, quantity, single, size
from quench.estimators import powerlaw
from quench.estimators.learning import ARRIVAL_RANGE, ONSET_RANGE, arrival, onset
from quench.numerics import intervals


@quantity
def initial_loss(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest relative distance of the training loss from the best constant predictor's, up to t1/2."""
    times, curves = _curves(of_panel(numbers, panel), "train_loss")
    one = of_panel(numbers, panel)
    early = (times >= 1) & (times <= float(one["t1"]) / 2)
    if not early.any():
        raise Missing("t1 is not reached, or too early to be measured")
    return mean(np.abs(curves[:, early] / float(one["constant_loss"]) - 1).max(axis=1), "log")


@quantity
def log_linearity(numbers: xr.Dataset, panel: str) -> Measured:
    """R^2 of a straight line in log t through the training loss of a network, from its t1 to its t2."""
    one = of_panel(numbers, panel)
    times, curves = _curves(one, "train_loss")
    found = []
    for loss, first, last in zip(curves, single(one, "t1"), single(one, "t2"), strict=False):
        falling = (times >= first) & (times <= last)
        linear = falling.sum() >= 4
        found.append(np.corrcoef(np.log(times[falling]), loss[falling])[0, 1] ** 2 if linear else np.nan)
    return mean(found, missing="t2 is not reached, or there are fewer than four measurements from t1 to t2")


@quantity
def slow_descent(numbers: xr.Dataset, rank: int) -> Measured:
    """-d log L / d log t of the training loss from t1 to t2, of the model with the ``rank``-th smallest mean exponent."""
    found = []
    for panel in numbers["panel"].values:
        one = of_panel(numbers, panel)
        times, curves = _curves(one, "train_loss")
        falling = zip(curves, single(one, "t1"), single(one, "t2"), strict=False)
        slopes = [
            powerlaw.exponents(times[inside], loss[inside, None], points=4)[0]
            for loss, first, last in falling
            for inside in [(times >= first) & (times <= last)]
        ]
        found.append(size(mean(slopes)))
    known = sorted((one for one in found if math.isfinite(one.low)), key=lambda one: one.value)
    if len(known) < rank:
        raise Missing(f"fewer than {rank} models with several networks reach t2")
    return known[rank - 1]


@quantity
def blunter(numbers: xr.Dataset, panel: str) -> Measured:
    """Decades of t over which the crossovers at t1 and t2 extend, minus those of the model nearest to it.

    The crossover at t1 extends over the times of the thresholds of ``quench.estimators.learning`` (ONSET_RANGE), that at
    t2 over those of ARRIVAL_RANGE.
    """
    widths = {str(name): _crossover_widths(of_panel(numbers, name)) for name in numbers["panel"].values}
    of_panel(numbers, panel)
    own = widths.pop(panel)
    excess = [Measured.of(intervals.difference(own, other)) for other in widths.values()]
    known = [one for one in excess if math.isfinite(one.low)]
    if not known:
        raise Missing("fewer than two models with several networks reach t2")
    return min(known, key=lambda one: one.value)


@quantity
def crossover_change(numbers: xr.Dataset, panel: str, other: str, name: str) -> Measured:
    """t1 or t2 (``name``) of a network of one panel over that of the same network in another."""
    first, second = (single(of_panel(numbers, one), name) for one in (panel, other))
    return mean(first / second, "log", f"{name} is not reached")


@quantity
def final_loss(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Training loss over the last third of the run, over the best constant predictor's."""
    one = of_panel(numbers, panel)
    return mean(single(one, "final_loss") / float(one["constant_loss"]), "log")


@quantity
def final_decay(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent of the training loss against t over the last decade of the run; 0 where it has settled."""
    times, curves = _curves(of_panel(numbers, panel), "train_loss")
    late = times >= times[-1] / 10
    return mean(powerlaw.exponents(times[late], curves[:, late].T))


@quantity
def slowing(numbers: xr.Dataset, panel: str) -> Measured:
    """Mean steepness |dL/d log t| of a network from its t2 to the end over that from its t1 to its t2."""
    one = of_panel(numbers, panel)
    times, curves = _curves(one, "train_loss")
    found = []
    for loss, first, last in zip(curves, single(one, "t1"), single(one, "t2"), strict=False):
        at = np.interp(np.log([first, last, times[-1]]), np.log(np.maximum(times, 0.5)), loss)
        before, after = -np.diff(at) / np.log([last / first, times[-1] / last])
        found.append(after / before)
    return mean(found, missing="t2 is not reached")


@quantity
def accuracy(numbers: xr.Dataset, panel: str, part: str = "train") -> Measured:
    """Accuracy at the end of the run."""
    return mean(_curves(of_panel(numbers, panel), f"{part}_accuracy")[1][:, -1])


@quantity
def accuracy_follows(numbers: xr.Dataset, panel: str) -> Measured:
    """Correlation over the run of the training accuracy with the fall of the training loss, both against log t."""
    one = of_panel(numbers, panel)
    times, losses = _curves(one, "train_loss")
    _, accuracies = _curves(one, "train_accuracy")
    after = times >= 1
    pairs = zip(losses[:, after], accuracies[:, after], strict=True)
    return mean([np.corrcoef(-loss, rise)[0, 1] if np.ptp(rise) else np.nan for loss, rise in pairs])


@quantity
def crossover_ratio(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """t2 / t1 of a network; a lower bound where t1 is reached but t2 is not within the run."""
    one = of_panel(numbers, panel)
    first, last, steps = single(one, "t1"), single(one, "t2"), float(one["steps"])
    first, last = first[np.isfinite(first)], last[np.isfinite(first)]
    if not first.size:
        raise Missing("t1 is not reached")
    if np.isfinite(last).all():
        return mean(last / first, "log")
    return Measured(*intervals.beyond(last / first, steps / first), beyond=True)


@quantity
def noise_range(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Largest over smallest gradient noise D of a network for t > t1."""
    one = of_panel(numbers, panel)
    times, noise = _curves(one, "noise")
    after = times > float(one["t1"])
    if not after.any():
        raise Missing("t1 is not reached")
    return mean(noise[:, after].max(axis=1) / noise[:, after].min(axis=1), "log")


@quantity
def width_contrast(numbers: xr.Dataset, name: str) -> Measured:
    """log10 of the ratio of a number at the smallest width to that at the largest."""
    values = np.log10(numbers[f"{name}_single"].transpose("width", "network").values)
    return Measured.of(intervals.difference(values[0], values[-1]))


def _crossover_widths(one: xr.Dataset) -> NDArray[np.float64]:
    """Decades of t over which the two crossovers of every network extend."""
    times, curves = _curves(one, "train_loss")
    constant = float(one["constant_loss"])
    widths = []
    for rule, (early, late) in ((onset, ONSET_RANGE), (arrival, ARRIVAL_RANGE)):
        ends = np.array([[rule(times, loss, constant, end) for loss in curves] for end in (early, late)])
        widths.append(np.log10(ends[1] / ends[0]))
    total: NDArray[np.float64] = np.sum(widths, axis=0)
    return total


def _curves(one: xr.Dataset, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times of this panel, and the curve of every network (network, time) at them."""
    table = one[f"{name}_single"].transpose("network", "time")
    table = table.dropna("network", how="all").dropna("time", how="all")
    if not table.size:
        raise Missing("every network diverged")
    return table["time"].values.astype(float), table.values
