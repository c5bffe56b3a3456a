"""Quantities of KWJ Fig. 4, A6 and A7: superposition, exponents of the master curve, overlap at long times."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy import stats

from quench.claims.measured import Measured, networks, of_panel, quantity, stored


@quantity
def collapse_gain(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Spread of log10 Q over the temperatures after time is divided by tau90, over that before."""
    one = of_panel(numbers, panel)
    return Measured(float(one["score_scaled"]) / float(one["score_raw"]), n_networks=networks(one))


@quantity
def master_exponent(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent of Q against t/tau90 in the declared window."""
    return stored(of_panel(numbers, panel), "exponent")


@quantity
def beyond_brownian(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Master-curve exponent minus that of free Brownian weights at the same points."""
    one = of_panel(numbers, panel)
    found, free = stored(one, "exponent"), float(one["exponent_brownian"])
    return Measured(found.value - free, found.low - free, found.high - free, found.n_networks)


@quantity
def later_when_hotter(numbers: xr.Dataset) -> Measured:
    """Spearman correlation with T of the t/tau90 at which a curve leaves the master curve."""
    left = numbers["departure"].values
    known = np.isfinite(left) & (numbers["temperature"].values > 0)
    if known.sum() < 3:
        return Measured(math.nan, reason="fewer than three temperatures leave the master curve")
    return Measured(float(stats.spearmanr(numbers["temperature"].values[known], left[known]).statistic))


@quantity
def lower_when_hotter(numbers: xr.Dataset) -> Measured:
    """Spearman correlation of the final overlap with T, for T > 0."""
    hot = numbers.where(numbers["temperature"] > 0, drop=True).isel(lag=-1)
    return Measured(
        float(stats.spearmanr(hot["temperature"], hot["overlap_mean"]).statistic), n_networks=networks(numbers)
    )


@quantity
def leaving_share(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of the temperatures T > 0 that reach tau90 whose curve leaves the Brownian master curve for good."""
    one = of_panel(numbers, panel)
    reached = np.isfinite(one["tau90_mean"].values) & (one["temperature"].values > 0)
    if not reached.any():
        return Measured(math.nan, reason="no temperature reaches Q = 0.9")
    return Measured(float(np.isfinite(one["departure"].values[reached]).mean()), n_networks=networks(one))


@quantity
def final_exponent(numbers: xr.Dataset) -> Measured:
    """Exponent of Q(t_f) against T over the temperatures that have left the master curve."""
    return stored(numbers, "final_exponent")


@quantity
def final_beyond_well(numbers: xr.Dataset) -> Measured:
    """``final_exponent`` minus that of the harmonic well (Q_inf with measured w(t_w) and epsilon) at the same T."""
    found, well = stored(numbers, "final_exponent"), float(numbers["well_exponent"])
    return Measured(found.value - well, found.low - well, found.high - well, found.n_networks)


@quantity
def well_factor(numbers: xr.Dataset) -> Measured:
    """Measured Q(t_f) over that of the harmonic well, geometric mean over the T that have left the master curve."""
    left = numbers["left_master_curve"].values.astype(bool)
    if not left.any():
        return Measured(math.nan, reason="no temperature leaves the master curve")
    ratio = numbers["overlap_mean"].isel(lag=-1).values[left] / numbers["well_final"].values[left]
    return Measured(float(np.exp(np.log(ratio).mean())), n_networks=networks(numbers))


@quantity
def well_exponent(numbers: xr.Dataset) -> Measured:
    """Exponent of the analytic Q_inf against T (Fig. A7)."""
    return stored(numbers, "exponent")
