"""Quantities of BJ Fig. 3, 4 and 5(b) and of our own figures on them: collapse, ageing, diffusion, flat directions."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, Missing, jackknifed, mean, networks, of_panel, quantity, single
from quench.estimators import powerlaw
from quench.estimators.rescaling import collapse_score, time_to_displacement
from quench.numerics import intervals

FEW = "fewer than three waiting times, or none that long"


@quantity
def score(numbers: xr.Dataset, regime: str, window: str, rescaling: str, panel: str | None = None) -> Measured:
    """Collapse score: scatter in decades of the curves of a regime, for lags up to one epoch or half the run."""
    one = of_panel(numbers, panel)
    return jackknifed(_score(one, regime, window, rescaling), networks(one), missing=FEW)


@quantity
def score_ratio(
    numbers: xr.Dataset, panel: str, rescaling: str, over: str, window: str = "half", regime: str = "bottom"
) -> Measured:
    """Collapse score of one rescaling over that of another, of the same networks."""
    one = of_panel(numbers, panel)
    first, second = (_score(one, regime, window, name) for name in (rescaling, over))
    return jackknifed(first / second, networks(one), missing=FEW)


@quantity
def old_score(numbers: xr.Dataset, lag: float) -> Measured:
    """Collapse score of the displacement for t_w >= 3 t1 and lags up to ``lag``."""
    old = numbers["waiting_time"].values >= 3 * float(numbers["t1"])
    curves, lags = _displacements(numbers)[:, old], numbers["lag"].values
    found = intervals.leaving_out(lambda kept: collapse_score(curves[kept].mean(axis=0), lags, (1, lag)), len(curves))
    return Measured.of(intervals.jackknifed(found, "log"), "fewer than three waiting times beyond 3 t1")


@quantity
def ageing(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent in t_w of the time to a fixed displacement, for t_w >= 2 t1."""
    one = of_panel(numbers, panel)
    return mean(single(one, "ageing_exponent"), missing="fewer than three waiting times reach the displacement")


@quantity
def slowdown(numbers: xr.Dataset, regime: str) -> Measured:
    """Exponent in t_w of the time to a fixed displacement, for t_w between t1 and t2 or beyond t2.

    The displacement is the geometric middle of the range that all mean curves of the regime cover.
    """
    t1, t2 = float(numbers["t1"]), _t2(numbers)
    waiting, lags = numbers["waiting_time"].values, numbers["lag"].values
    chosen = (waiting >= t1) & (waiting <= t2) if regime == "ageing" else waiting >= t2
    if chosen.sum() < 3:
        raise Missing("fewer than three waiting times")
    curves = numbers["displacement"].values[chosen]
    lasts = [row[np.isfinite(row)][-1] for row in curves]
    level = float(np.sqrt(np.nanmax(curves[:, 0]) * min(lasts)))
    times = [time_to_displacement(one[chosen], lags, level) for one in _displacements(numbers)]
    exponents = powerlaw.exponents(waiting[chosen], np.transpose(times), points=3)
    return mean(exponents, missing="fewer than three waiting times reach a common displacement")


@quantity
def flattening(numbers: xr.Dataset) -> Measured:
    """Exponent of the displacement against t for t > 3 (t2 - t_w), mean over the waiting times t1 < t_w < t2."""
    t1, t2 = float(numbers["t1"]), _t2(numbers)
    waiting, lags, curves = numbers["waiting_time"].values, numbers["lag"].values, _displacements(numbers)
    slopes = []
    for row in np.flatnonzero((waiting > t1) & (waiting < t2)):
        inside = lags > 3 * (t2 - waiting[row])
        slopes.append(powerlaw.exponents(lags[inside], curves[:, row, inside].T, points=3))
    table = np.array(slopes)
    table = table[np.isfinite(table).all(axis=1)] if len(table) else table
    if not len(table):
        raise Missing("no waiting time between t1 and t2 has three lags that long")
    return mean(table.mean(axis=0))


@quantity
def slope(numbers: xr.Dataset, panel: str, decade: int) -> Measured:
    """Local slope of Delta/D(t_w) for t_w > t2 and lags from 10^decade to 10^(decade + 1)."""
    one = of_panel(numbers, panel).sel(decade=decade)
    return mean(single(one, "slope"), missing="no such lags beyond t2")


@quantity
def smallest_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Smallest of the local slopes of Delta/D(t_w) by decade of lag, for t_w > t2: near 0 on a plateau."""
    slopes = [mean(row) for row in single(of_panel(numbers, panel), "slope", "decade")]
    known = [found for found in slopes if not math.isnan(found.value)]
    if not known:
        raise Missing("no waiting time beyond t2")
    return min(known, key=lambda found: found.value)


@quantity
def amplitude(numbers: xr.Dataset, panel: str) -> Measured:
    """Geometric mean of Delta over its parameter-free prediction by noise, for t_w > t2 and lags up to one epoch."""
    one = of_panel(numbers, panel)
    return _geometric(one, "amplitude", one["waiting_time"].values >= float(one["t2"]), float(one["epoch"]))


@quantity
def early_prediction(numbers: xr.Dataset, panel: str) -> Measured:
    """Geometric mean of Delta over the prediction of noise and drift, for t_w < t1 and lags up to 10."""
    one = of_panel(numbers, panel)
    return _geometric(one, "prediction", one["waiting_time"].values < float(one["t1"]), 10)


@quantity
def drift_share(numbers: xr.Dataset, lag: float) -> Measured:
    """Displacement of noise-free descent over that of SGD at the measured lag nearest to ``lag``, last t_w."""
    one = numbers.isel(waiting_time=-1).sel(lag=lag, method="nearest")
    return mean(single(one, "ratio"), "log")


@quantity
def share_at_crossover(numbers: xr.Dataset) -> Measured:
    """Displacement of noise-free descent over that of SGD of a network at its t* = D M / (B |grad L|^2), last t_w."""
    one = numbers.isel(waiting_time=-1)
    lags, found = one["lag"].values, []
    for at, ratio in zip(single(one, "crossover"), single(one, "ratio", "lag").T, strict=True):
        inside = lags[0] <= at <= lags[-1]
        found.append(np.interp(np.log(at), np.log(lags), ratio) if inside else np.nan)
    return mean(found, "log", "t* is outside the measured lags")


@quantity
def flat_gain(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of flat directions at the end minus that at the start."""
    shares = _measured(numbers, panel, "flat")
    return mean(shares[:, -1] - shares[:, 0])


@quantity
def negative_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Number of directions of negative curvature at the end over that at the start; fewer than one counts as one."""
    least = 1 / float(of_panel(numbers, panel)["n_weights"])
    shares = np.maximum(_measured(numbers, panel, "negative"), least)
    return mean(shares[:, -1] / shares[:, 0], "log")


@quantity
def barrier(numbers: xr.Dataset, panel: str, between: str) -> Measured:
    """Largest rise of the loss on a straight line above its higher end, over the constant predictor's loss.

    ``between``: "times", lines between the last two configurations of each network; "networks", lines between the final
    configurations of different networks. The mean is over lines.
    """
    return mean(_barriers(numbers, panel, between), missing="no such lines")


@quantity
def barrier_exponent(numbers: xr.Dataset, panel: str, larger: str) -> Measured:
    """Exponent in M of the barrier between networks, from those of ``panel`` to those of ``larger``; over lines."""
    first, second = (np.log(_barriers(numbers, name, "networks")) for name in (panel, larger))
    ratio = float(of_panel(numbers, larger)["n_weights"]) / float(of_panel(numbers, panel)["n_weights"])
    value, low, high = (end / math.log(ratio) for end in intervals.difference(second, first)[:3])
    return Measured.of(intervals.Estimate(value, low, high, min(len(first), len(second))), "no such lines")


@quantity
def plateau_slope(
    numbers: xr.Dataset, sampling: str, lags: tuple[float, float] = (0.45, 1.05), age: float = 0.25
) -> Measured:
    """Exponent of the displacement against t over ``lags`` in epochs, mean over t_w beyond the share ``age`` of the run."""
    if sampling not in numbers["sampling"].values:
        raise Missing(f"no run with batches drawn by {sampling}")
    one = numbers.sel(sampling=sampling)
    old = one["waiting_time"].values >= age * float(one["steps"])
    times = one["lag"].values / float(one["epoch"])
    inside = (times >= lags[0]) & (times <= lags[1])
    curves = _displacements(one)[:, old][..., inside]
    if not curves.size:
        raise Missing("no waiting time that old, or no lag there")
    return mean([np.nanmean(powerlaw.exponents(times[inside], network.T)) for network in curves])


def _barriers(numbers: xr.Dataset, panel: str, between: str) -> np.ndarray:
    """Height of every line, relative to the loss of the constant predictor (``barrier``)."""
    one = of_panel(numbers, panel).dropna("line", subset=["line_loss"])
    differ = one["line_seeds_differ"].values.astype(bool)
    if differ.all():
        raise Missing("no line between configurations of one network")
    late = one["line_start"].values == one["line_start"].values[~differ].max()
    loss = one["line_loss"].transpose("line", "point").values[differ if between == "networks" else ~differ & late]
    height: np.ndarray = (loss.max(axis=1) - np.maximum(loss[:, 0], loss[:, -1])) / float(one["constant_loss"])
    return height


def _score(one: xr.Dataset, regime: str, window: str, rescaling: str) -> xr.DataArray:
    return one["score"].sel(regime=regime, window=window, rescaling=rescaling)


def _t2(numbers: xr.Dataset) -> float:
    t2 = float(numbers["t2"])
    if not math.isfinite(t2):
        raise Missing("t2 is not reached")
    return t2


def _displacements(one: xr.Dataset) -> np.ndarray:
    """Displacement of every network, (network, waiting_time, lag)."""
    table = one["displacement_single"].transpose("network", "waiting_time", "lag")
    values: np.ndarray = table.dropna("network", how="all").values
    return values


def _measured(numbers: xr.Dataset, panel: str, kind: str) -> np.ndarray:
    """Share of directions of a ``kind`` of every network, (network, measured)."""
    table = of_panel(numbers, panel)[f"{kind}_single"].transpose("network", "measured")
    values: np.ndarray = table.dropna("network", how="all").dropna("measured", how="all").values
    return values


def _geometric(one: xr.Dataset, name: str, ages: np.ndarray, longest: float) -> Measured:
    """Geometric mean over waiting times and lags of a positive number of every network."""
    values = one[f"{name}_single"].transpose("network", "waiting_time", "lag").values
    values = values[:, ages][..., one["lag"].values <= longest].reshape(len(values), -1)
    known = np.isfinite(values) & (values > 0)
    if not known.any():
        raise Missing("no positive value was measured there")
    logs = np.log(np.where(known, values, 1)).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean(np.where(known.any(axis=1), np.exp(logs), np.nan), "log")
