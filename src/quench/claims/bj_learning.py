"""Quantities of BJ Fig. 2 and 5(a): the three regimes of the loss, and its final value."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, bounded, networks, of_panel, quantity


@quantity
def initial_loss(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest relative distance of the training loss from the best constant predictor's, up to t1/2."""
    one = of_panel(numbers, panel).dropna("time", subset=["train_loss"])
    times = one["time"].values
    early = (times >= 1) & (times <= float(one["t1"]) / 2)
    if not early.any():
        return Measured(math.nan, reason="t1 is not reached, or too early to be measured")
    distance = np.abs(one["train_loss"].values[early] / float(one["constant_loss"]) - 1)
    return Measured(float(distance.max()), n_networks=networks(one))


@quantity
def log_linearity(numbers: xr.Dataset, panel: str) -> Measured:
    """R^2 of a straight line in log t through the training loss, from t1 until 90 % of the fall to its final value."""
    one = of_panel(numbers, panel).dropna("time", subset=["train_loss"])
    times, loss = one["time"].values, one["train_loss"].values
    final, constant = float(one["final_loss"].sel(bound="value")), float(one["constant_loss"])
    falling = (times >= float(one["t1"])) & (loss > final + 0.1 * (constant - final))
    if falling.sum() < 4:
        return Measured(math.nan, reason="fewer than four measurements while the loss falls")
    return Measured(float(np.corrcoef(np.log(times[falling]), loss[falling])[0, 1] ** 2), n_networks=networks(one))


@quantity
def final_loss(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Training loss over the last third of the run, over the best constant predictor's."""
    one = of_panel(numbers, panel)
    return bounded(one["final_loss"] / one["constant_loss"], networks(one))


@quantity
def slowing(numbers: xr.Dataset, panel: str) -> Measured:
    """Mean steepness |dL/d log t| from t2 to the end over that from t1 to t2."""
    one = of_panel(numbers, panel)
    t1, t2 = float(one["t1"]), float(one["t2"])
    if not math.isfinite(t2):
        return Measured(math.nan, reason="t2 is not reached")
    known = one.dropna("time", subset=["train_loss"])
    times, loss = known["time"].values, known["train_loss"].values
    at = np.interp(np.log([t1, t2, times[-1]]), np.log(np.maximum(times, 0.5)), loss)
    before, after = -np.diff(at) / np.log([t2 / t1, times[-1] / t2])
    return Measured(float(after / before), n_networks=networks(one))


@quantity
def accuracy(numbers: xr.Dataset, panel: str, part: str = "train") -> Measured:
    """Accuracy at the end of the run, with its range over networks."""
    one = of_panel(numbers, panel).dropna("time", subset=[f"{part}_accuracy"])
    value, low, high = (float(one[f"{part}_accuracy{end}"].values[-1]) for end in ("", "_low", "_high"))
    return Measured(value, low, high, networks(one))


@quantity
def crossover_ratio(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """t2 / t1; infinite where t1 is reached but t2 is not."""
    one = of_panel(numbers, panel)
    t1, t2 = float(one["t1"]), float(one["t2"])
    if not math.isfinite(t1):
        return Measured(math.nan, reason="t1 is not reached")
    return Measured(t2 / t1 if math.isfinite(t2) else math.inf, n_networks=networks(one))


@quantity
def noise_left(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Gradient noise D over the last third of the run, over its largest value."""
    one = of_panel(numbers, panel).dropna("time", subset=["noise"])
    noise, times = one["noise"].values, one["time"].values
    return Measured(float(noise[times >= 2 / 3 * times[-1]].mean() / noise.max()), n_networks=networks(one))


@quantity
def width_contrast(numbers: xr.Dataset, name: str) -> Measured:
    """log10 of the ratio of a number at the smallest width to that at the largest."""
    values = numbers[name].sel(bound="value") if "bound" in numbers[name].dims else numbers[name]
    return Measured(float(np.log10(values[0] / values[-1])), n_networks=int(numbers["n_networks"].min()))


@quantity
def at_width(numbers: xr.Dataset, name: str, end: str) -> Measured:
    """A number at the smallest ("first") or largest ("last") width, with its interval where it has one."""
    values = numbers[name].isel(width=0 if end == "first" else -1)
    n_networks = int(numbers["n_networks"].min())
    return bounded(values, n_networks) if "bound" in values.dims else Measured(float(values), n_networks=n_networks)
