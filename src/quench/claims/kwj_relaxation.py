"""Quantities of KWJ Fig. 2, 3, A1, A4, A9 and A10: overlaps and relaxation times beside free Brownian weights."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, networks, of_panel, quantity
from quench.estimators import powerlaw
from quench.estimators.resampling import spread
from quench.observables.relaxation import LEVELS, crossing_time

# A temperature is noise-dominated where the Brownian time is at most this share of the time at T = 0.
NOISE = 0.25
# Shorter relaxation times are not resolved by steps of one update.
RESOLVED = 3.0


@quantity
def hot_deviation(numbers: xr.Dataset, above: float = 0.5) -> Measured:
    """Largest |Q - Q_Brownian| at the hottest temperature of Fig. 2(b), where Q_Brownian > ``above``."""
    hot = numbers.isel(temperature=0)
    early = hot["overlap_brownian"].values > above
    gap = abs(hot["overlap_mean"] - hot["overlap_brownian"]).values[early]
    return Measured(float(gap.max()), n_networks=networks(numbers))


@quantity
def cold_speedup(numbers: xr.Dataset) -> Measured:
    """Time to Q = 0.9 at the coldest temperature of Fig. 2(b) over that of free Brownian weights."""
    cold = numbers.isel(temperature=-1)
    level = LEVELS["tau90"]
    measured, free = (float(crossing_time(cold[name], level)) for name in ("overlap_mean", "overlap_brownian"))
    if math.isnan(free):
        # The Brownian overlap stays above 0.9 at all lags; the longest lag bounds the ratio from above.
        free = float(cold["lag"].max())
    return Measured(measured / free, n_networks=networks(numbers))


@quantity
def noise_slope(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Exponent of the relaxation time against T where noise dominates, with its interval over jointly resampled networks."""
    one = of_panel(numbers, panel)
    return _slope(one, _noise_dominated(one, time), time)


@quantity
def brownian_ratio(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Measured over Brownian relaxation time, geometric mean over the noise-dominated temperatures."""
    one = of_panel(numbers, panel)
    kept = _noise_dominated(one, time)
    if not kept.any():
        return Measured(math.nan, reason="no noise-dominated temperature with a resolved time")
    free = one[f"{time}_brownian"].values[kept]
    value, low, high = (
        float(np.exp(np.log(one[f"{time}_{end}"].values[kept] / free).mean())) for end in ("mean", "low", "high")
    )
    return Measured(value, low, high, networks(one))


@quantity
def plateau_ratio(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Relaxation time at the coldest T > 0 over that of the same networks at T = 0."""
    one = of_panel(numbers, panel)
    if not math.isfinite(_frozen(one, time)):
        return Measured(math.nan, reason="not reached at T = 0 within the longest lag, or not measured")
    samples = _samples(one, time)
    frozen = int(np.flatnonzero(one["temperature"].values == 0)[0])
    return Measured(*spread(samples[:, _coldest(one, time)] / samples[:, frozen]), networks(one))


@quantity
def largest_time(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Largest relaxation time at T > 0 over that at T = 0; infinite where some T > 0 does not relax."""
    one = of_panel(numbers, panel)
    frozen = _frozen(one, time)
    if not math.isfinite(frozen):
        return Measured(math.nan, reason="not reached at T = 0 within the longest lag, or not measured")
    values = one[f"{time}_mean"].values[_shown(one, time) & (one["temperature"].values > 0)]
    largest = np.inf if np.isnan(values).any() else float(values.max()) / frozen
    return Measured(largest, n_networks=networks(one))


@quantity
def cold_brownian_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Measured over Brownian tau90 at the coldest T > 0 that reaches tau90; 1 without a landscape."""
    one = of_panel(numbers, panel)
    row = _coldest(one, "tau90")
    free = float(one["tau90_brownian"].values[row])
    value, low, high = (float(one[f"tau90_{end}"].values[row]) / free for end in ("mean", "low", "high"))
    return Measured(value, low, high, networks(one))


@quantity
def frozen_time(numbers: xr.Dataset, panel: str) -> Measured:
    """tau90 at T = 0; infinite where it is not reached within the longest lag."""
    one = of_panel(numbers, panel)
    if 0 not in one["temperature"].values:
        return Measured(math.nan, reason="T = 0 is not measured")
    value = float(one["tau90_mean"].sel(temperature=0))
    return Measured(math.inf if math.isnan(value) else value, n_networks=networks(one))


@quantity
def kink_shift(numbers: xr.Dataset) -> Measured:
    """Decades by which T* falls from the smallest to the largest chi of Fig. A1."""
    kinks = numbers["kink"].sortby("chi").values
    known = kinks[np.isfinite(kinks)]
    if len(known) < 2:
        return Measured(math.nan, reason="T* is known for fewer than two lengths")
    return Measured(float(np.log10(known[0] / known[-1])), n_networks=int(numbers["n_networks"].values[0]))


@quantity
def chi_slopes(numbers: xr.Dataset) -> Measured:
    """Exponent of tau90 against T where noise dominates, for the chi of Fig. A1 furthest from -1."""
    return _worst(numbers, "chi")


@quantity
def age_slope(numbers: xr.Dataset) -> Measured:
    """Exponent of tau90 against T where noise dominates, for the t_w of Fig. A9, A10 furthest from -1."""
    return _worst(numbers, "waiting_time")


@quantity
def age_slowdown(numbers: xr.Dataset) -> Measured:
    """tau90 at the coldest T > 0 for the longest over that for the shortest waiting time (Fig. A9, A10)."""
    row = int(np.flatnonzero(numbers["temperature"].values > 0)[-1])
    old, young = (_samples(numbers.isel(waiting_time=end), "tau90")[:, row] for end in (-1, 0))
    return Measured(*spread(old / young), int(numbers["n_networks"].values[0]))


@quantity
def age_kink_shift(numbers: xr.Dataset) -> Measured:
    """T* at the longest waiting time over that at the shortest (Fig. A9, A10)."""
    kinks = numbers["kink"].values
    return Measured(float(kinks[-1] / kinks[0]), n_networks=int(numbers["n_networks"].values[0]))


def _worst(numbers: xr.Dataset, along: str) -> Measured:
    """The exponent furthest from -1 along a dimension, among those of at least three temperatures."""
    found = []
    for row in range(numbers.sizes[along]):
        one = numbers.isel({along: row})
        kept = _noise_dominated(one, "tau90")
        if kept.sum() > 2:
            found.append(_slope(one, kept, "tau90"))
    if not found:
        return Measured(math.nan, reason="fewer than three noise-dominated temperatures with a resolved time")
    return max(found, key=lambda slope: abs(slope.value + 1))


def _slope(one: xr.Dataset, kept: np.ndarray, time: str) -> Measured:
    if kept.sum() < 2:
        return Measured(math.nan, reason="fewer than two noise-dominated temperatures with a resolved time")
    temperatures = one["temperature"].values[kept]
    slopes = np.array([powerlaw.fit(temperatures, row).value for row in _samples(one, time)[:, kept]])
    return Measured(*spread(slopes), networks(one))


def _samples(one: xr.Dataset, time: str) -> np.ndarray:
    samples: np.ndarray = one[f"{time}_samples"].transpose("resample", "temperature").values
    return samples


def _shown(one: xr.Dataset, time: str) -> np.ndarray:
    """Temperatures of this panel; the others belong to other panels of the figure."""
    shown: np.ndarray = np.isfinite(one[f"{time}_brownian"].values) | (one["temperature"].values == 0)
    return shown


def _frozen(one: xr.Dataset, time: str) -> float:
    if 0 not in one["temperature"].values:
        return math.nan
    return float(one[f"{time}_mean"].sel(temperature=0))


def _coldest(one: xr.Dataset, time: str) -> int:
    """Index of the coldest T > 0 that reaches the time."""
    reached = np.flatnonzero((one["temperature"].values > 0) & np.isfinite(one[f"{time}_mean"].values))
    if not reached.size:
        raise ValueError("no temperature at which the relaxation time is reached")
    return int(reached[one["temperature"].values[reached].argmin()])


def _noise_dominated(one: xr.Dataset, time: str) -> np.ndarray:
    """Temperatures with a resolved time whose Brownian time is well below the time at T = 0.

    tau_e may not be reached at T = 0 within the longest lag, so tau90 is compared, too. Without a time at T = 0 every
    temperature counts.
    """
    value = one[f"{time}_mean"].values
    kept: np.ndarray = (one["temperature"].values > 0) & np.isfinite(value) & (value >= RESOLVED)
    for each in dict.fromkeys((time, "tau90")):
        frozen = float(one["frozen"]) if "frozen" in one else _frozen(one, each)
        if f"{each}_brownian" in one and math.isfinite(frozen):
            kept &= one[f"{each}_brownian"].values <= NOISE * frozen
    return kept
