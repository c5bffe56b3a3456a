"""Quantities of KWJ Fig. 4, A6 and A7: superposition, exponents of the master curve, overlap at long times."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import stats

from quench.claims.measured import Measured, Missing, jackknifed, mean, networks, of_panel, quantity, single
from quench.estimators.superposition import brownian_master
from quench.numerics import intervals


@quantity
def collapse_gain(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Spread of log10 Q over the temperatures after time is divided by tau90, over that before."""
    one = of_panel(numbers, panel)
    gain = one["scores"].sel(axis="scaled") / one["scores"].sel(axis="raw")
    return jackknifed(gain, networks(one), missing="fewer than two temperatures reach Q = 0.9")


@quantity
def master_exponent(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent of Q against t/tau90 in the declared window."""
    return mean(single(of_panel(numbers, panel), "exponent"), missing="fewer than three points lie in the window")


@quantity
def beyond_brownian(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Master-curve exponent minus that of free Brownian weights at the same points."""
    one = of_panel(numbers, panel)
    return mean(
        single(one, "exponent") - single(one, "exponent_brownian"), missing="fewer than three points lie in the window"
    )


@quantity
def later_when_hotter(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Spearman correlation with T of the t/tau90 at which a curve leaves the master curve."""
    one = of_panel(numbers, panel)
    temperatures = one["temperature"].values
    found = []
    for left in single(one, "departure", "temperature").T:
        known = np.isfinite(left) & (temperatures > 0)
        found.append(_correlation(temperatures[known], left[known]))
    return mean(found, missing="fewer than three temperatures leave the master curve")


@quantity
def lower_when_hotter(numbers: xr.Dataset) -> Measured:
    """Spearman correlation of the final overlap with T, for T > 0."""
    hot = numbers.isel(temperature=numbers["temperature"].values > 0, lag=-1)
    return mean([_correlation(hot["temperature"].values, one) for one in single(hot, "overlap", "temperature").T])


@quantity
def leaving_share(numbers: xr.Dataset, panel: str | None = None, colder: float = np.inf) -> Measured:
    """Share of curves of single networks, 0 < T <= ``colder``, that reach tau90 and leave the Brownian curve for good."""
    one = of_panel(numbers, panel)
    chosen = (one["temperature"].values > 0) & (one["temperature"].values <= colder)
    reached = np.isfinite(single(one, "tau90", "temperature")[chosen])
    left = np.isfinite(single(one, "departure", "temperature")[chosen])
    found = Measured.of(intervals.share(int((left & reached).sum()), int(reached.sum())), "no curve reaches Q = 0.9")
    return Measured(found.value, found.low, found.high, networks(one), found.reason)


@quantity
def above_share(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Share of the curves of single networks, T > 0, above the Brownian curve at their end, among those that leave it."""
    one = of_panel(numbers, panel)
    hot = one.isel(temperature=one["temperature"].values > 0).dropna("lag", how="all", subset=["overlap_single"])
    scaled = float(hot["lag"][-1]) / single(hot, "tau90", "temperature")
    left = np.isfinite(single(hot, "departure", "temperature")) & np.isfinite(scaled)
    above = single(hot.isel(lag=-1), "overlap", "temperature")[left] > brownian_master(scaled[left])
    found = intervals.share(int(above.sum()), int(left.sum()))
    return Measured(*found[:3], networks(one), "no curve leaves the master curve" if not left.any() else "")


@quantity
def final_exponent(numbers: xr.Dataset) -> Measured:
    """Exponent of Q(t_f) against T over the temperatures that have left the master curve."""
    return mean(single(numbers, "final_exponent"), missing="fewer than two temperatures leave the master curve")


@quantity
def final_beyond_well(numbers: xr.Dataset) -> Measured:
    """``final_exponent`` minus that of the harmonic well (Q_inf with measured w(t_w) and epsilon) at the same T."""
    return mean(
        single(numbers, "final_exponent") - single(numbers, "well_exponent"),
        missing="fewer than two temperatures leave the master curve",
    )


@quantity
def well_factor(numbers: xr.Dataset) -> Measured:
    """Measured Q(t_f) over that of the harmonic well, geometric mean over the T that have left the master curve."""
    left = numbers["left_master_curve"].values.astype(bool)
    if not left.any():
        raise Missing("no temperature leaves the master curve")
    final = single(numbers.isel(lag=-1), "overlap", "temperature")[left]
    return mean(np.exp(np.log(final / single(numbers, "well_final", "temperature")[left]).mean(axis=0)), "log")


@quantity
def well_exponent(numbers: xr.Dataset) -> Measured:
    """Exponent of the analytic Q_inf against T (Fig. A7)."""
    return mean(single(numbers, "exponent"), missing="fewer than two temperatures with Q_inf < 0.3")


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation; NaN for fewer than three points, and where one does not vary."""
    if len(x) < 3 or np.ptp(y) == 0 or not np.isfinite(y).all():
        return np.nan
    return float(stats.spearmanr(x, y).statistic)
