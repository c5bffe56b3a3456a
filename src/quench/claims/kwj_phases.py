"""Quantities of KWJ Fig. 1 and A3: the phase diagram and its two transitions."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, Missing, mean, quantity, size
from quench.estimators import powerlaw, transitions
from quench.networks.state import HIGH_LOSS
from quench.numerics import intervals

# Smaller losses and norms are zero up to float32 rounding.
FLOOR = 1e-16


@quantity
def regions(numbers: xr.Dataset) -> Measured:
    """Number of phases in the map of a network: trivial or not at lambda > 0, fitted or not at lambda = 0."""
    strength = numbers["map_strength"].values
    counts = []
    for loss in numbers["map_loss_single"].transpose("map_network", "map_strength", "map_width").values:
        regular, line = transitions.trivial(loss[strength > 0]), loss[strength == 0]
        phases = (regular, ~regular, line > 10 * transitions.FITTED, line < transitions.FITTED)
        counts.append(sum(bool(phase.any()) for phase in phases))
    return mean(counts)


@quantity
def fitting_threshold(numbers: xr.Dataset) -> Measured:
    """N*/P_D on the line lambda = 0."""
    value, low, high = (float(numbers[f"uot_threshold{end}"]) for end in ("", "_low", "_high"))
    if not (math.isfinite(value) and value > 0):
        raise Missing(f"the transition lies {'above' if value > 0 else 'below'} the widths of the scan")
    return Measured(value, low, high, numbers.sizes["uot_network"])


@quantity
def final_loss(numbers: xr.Dataset) -> Measured:
    """Median final loss of the largest networks at lambda = 0."""
    last = numbers["uot_loss"].transpose("uot_point", "uot_network").values[-1]
    return Measured.of(intervals.median(np.where(np.isfinite(last), last, np.inf)))


@quantity
def fitted_share(numbers: xr.Dataset, ratio: float) -> Measured:
    """Share of fitted networks among those with N/P_D between that of N* and ``ratio`` times it, at lambda = 0."""
    threshold = fitting_threshold(numbers).value
    beyond = numbers["uot_ratio"].values / threshold
    loss = numbers["uot_loss"].transpose("uot_point", "uot_network").values[(beyond > 1) & (beyond <= ratio)]
    fitted = np.where(np.isfinite(loss), loss, np.inf) < transitions.FITTED
    return Measured.of(intervals.share(int(fitted.sum()), fitted.size), "no width lies there")


@quantity
def lost_share(numbers: xr.Dataset) -> Measured:
    """Share of the trainings of all scans of Fig. 1 that diverged."""
    scans = {"uot_loss": "uot", "ttt_loss": "ttt", "map_loss_single": "map"}
    lost = sum(int(numbers[f"{scan}_diverged"]) for scan in scans.values())
    return Measured.of(intervals.share(lost, sum(numbers[loss].size for loss in scans)))


@quantity
def scatter_at_threshold(numbers: xr.Dataset) -> Measured:
    """Decades between the 10 % and 90 % quantiles of the final losses at the N/P_D nearest to N*/P_D."""
    threshold = fitting_threshold(numbers).value
    row = np.abs(np.log(numbers["uot_ratio"].values / threshold)).argmin()
    loss = numbers["uot_loss"].transpose("uot_point", "uot_network").values[row]
    decades = np.log10(np.maximum(loss[np.isfinite(loss)], FLOOR))

    def spread(chosen: np.ndarray) -> float:
        low, high = np.quantile(decades[chosen], [0.1, 0.9])
        return float(high - low)

    return Measured.of(intervals.jackknifed(intervals.leaving_out(spread, len(decades)), "log"))


@quantity
def regularised_floor(numbers: xr.Dataset) -> Measured:
    """Data loss, without the penalty, of the widest networks at the smallest lambda > 0 over that at lambda = 0."""
    loss = numbers["map_data_loss_single"].transpose("map_width", "map_strength", "map_network").values[-1]
    return mean(np.maximum(loss[1], FLOOR) / np.maximum(loss[0], FLOOR), "log")


@quantity
def trivialisation_threshold(numbers: xr.Dataset) -> Measured:
    """Median of the single networks' lambda*."""
    return Measured.of(intervals.median(numbers["ttt_thresholds"].values), "no network changes within the grid")


@quantity
def threshold_scatter(numbers: xr.Dataset) -> Measured:
    """Standard deviation of the single networks' lambda* over their median."""
    values = numbers["ttt_thresholds"].values
    values = values[np.isfinite(values)]
    if len(values) < 3:
        raise Missing("fewer than three networks change within the grid")
    found = intervals.leaving_out(lambda kept: values[kept].std(ddof=1) / np.median(values[kept]), len(values))
    return Measured.of(intervals.jackknifed(found, "log"))


@quantity
def sharpness(numbers: xr.Dataset) -> Measured:
    """Mean over networks of the largest rise between neighbouring lambda, over that of the mean curve."""
    loss = numbers["ttt_loss"].transpose("ttt_point", "ttt_network").values
    loss = loss[:, np.isfinite(loss).all(axis=0)]

    def ratio(chosen: np.ndarray) -> float:
        single, mean_curve = transitions.largest_rise(loss[:, chosen]), loss[:, chosen].mean(axis=1)
        return float(single.mean() / transitions.largest_rise(mean_curve))

    return Measured.of(intervals.jackknifed(intervals.leaving_out(ratio, loss.shape[1]), "log"))


@quantity
def stuck_share(numbers: xr.Dataset) -> Measured:
    """Share of networks in the long-lived state of high loss, at the lambda where it is largest."""
    stuck = numbers["ttt_state"].transpose("ttt_point", "ttt_network").values == HIGH_LOSS
    return Measured.of(intervals.share(int(stuck.sum(axis=1).max()), stuck.shape[1]))


@quantity
def trivial_norm(numbers: xr.Dataset) -> Measured:
    """Largest |W|^2 of a network beyond its own lambda*, geometric mean over networks."""
    norm = numbers["ttt_norm"].transpose("ttt_network", "ttt_point").values
    strength, thresholds = numbers["ttt_strength"].values, numbers["ttt_thresholds"].values
    largest = [
        max(np.nanmax(one[strength > own]), FLOOR)
        for one, own in zip(norm, thresholds, strict=True)
        if np.isfinite(own)
    ]
    return mean(largest, "log", "no network changes within the grid")


@quantity
def size_dependence(numbers: xr.Dataset) -> Measured:
    """Size of the exponent of lambda* against N/P_D along the map."""
    thresholds = numbers["map_threshold_single"].transpose("map_width", "map_network").values
    return size(
        mean(powerlaw.exponents(numbers["map_ratio"].values, thresholds, points=3), missing="no lambda* in the map")
    )
