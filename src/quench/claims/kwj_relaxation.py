"""Quantities of KWJ Fig. 2, 3, A1, A4, A9 and A10: overlaps and relaxation times beside free Brownian weights.

Each network is compared with itself: at another temperature or waiting time, or with its own Brownian line.
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, Missing, mean, of_panel, quantity, single
from quench.estimators import powerlaw
from quench.numerics import intervals

# A temperature is noise-dominated where the Brownian time is at most this share of the time at T = 0.
NOISE = 0.25
# Shorter relaxation times are not resolved by steps of one update.
RESOLVED = 3.0
# A two-stage relaxation: the local slope of log(-log Q) falls below the first value and later rises above the second.
ARRESTED, RELAXING = 0.1, 0.4


@quantity
def hot_deviation(numbers: xr.Dataset, above: float = 0.5) -> Measured:
    """Largest |Q - Q_Brownian| of a network at the hottest temperature of Fig. 2(b), where Q_Brownian > ``above``."""
    hot = numbers.isel(temperature=0)
    free, measured = single(hot, "overlap_brownian", "lag"), single(hot, "overlap", "lag")
    gap = np.where((free > above) & (hot["lag"].values > 0)[:, None], abs(measured - free), np.nan)
    return mean(_largest(gap), "log")


@quantity
def cold_speedup(numbers: xr.Dataset) -> Measured:
    """tau90 at the coldest temperature of Fig. 2(b) over that of free Brownian weights of the same length."""
    cold = numbers.isel(temperature=-1)
    return mean(single(cold, "tau90") / single(cold, "tau90_brownian"), "log", "not reached within the longest lag")


@quantity
def noise_slope(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Exponent of the relaxation time against T where noise dominates."""
    one = of_panel(numbers, panel)
    return mean(_slopes(one, _noise_dominated(one, time), time))


@quantity
def slope_difference(numbers: xr.Dataset, panel: str) -> Measured:
    """Exponent of tau_e against T minus that of tau90, over the temperatures at which noise dominates both."""
    one = of_panel(numbers, panel)
    kept = _noise_dominated(one, "tau_e") & _noise_dominated(one, "tau90")
    return mean(_slopes(one, kept, "tau_e") - _slopes(one, kept, "tau90"))


@quantity
def brownian_ratio(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Measured over Brownian relaxation time, geometric mean over the noise-dominated temperatures."""
    one = of_panel(numbers, panel)
    return mean(_geometric(_ratios(one, time)[_some(_noise_dominated(one, time))]), "log")


@quantity
def plateau_ratio(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Relaxation time at the coldest T > 0 over that of the same networks at T = 0."""
    one = of_panel(numbers, panel)
    times, frozen = single(one, time, "temperature"), _frozen_single(one, time)
    return mean(times[_coldest(one, time)] / frozen, "log")


@quantity
def largest_time(numbers: xr.Dataset, panel: str, time: str = "tau90") -> Measured:
    """Largest relaxation time at T > 0 over that at T = 0; a lower bound where some T > 0 does not relax."""
    one = of_panel(numbers, panel)
    times, frozen = single(one, time, "temperature")[_shown(one, time)], _frozen_single(one, time)
    known = np.isfinite(frozen)
    if not known.any():
        raise Missing("not reached at T = 0 within the longest lag")
    censored = np.isnan(times[:, known]).any(axis=0)
    largest = np.where(censored, float(one["longest_lag"]), _largest(times[:, known])) / frozen[known]
    if not censored.any():
        return mean(largest, "log")
    return Measured(*intervals.beyond(np.where(censored, np.nan, largest), largest), beyond=True)


@quantity
def cold_brownian_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Measured over Brownian tau90 at the coldest T > 0 that reaches tau90; 1 without a landscape."""
    one = of_panel(numbers, panel)
    return mean(_ratios(one, "tau90")[_coldest(one, "tau90")], "log")


@quantity
def frozen_time(numbers: xr.Dataset, panel: str) -> Measured:
    """tau90 at T = 0; a lower bound where it is not reached within the longest lag."""
    one = of_panel(numbers, panel)
    times = single(one, "tau90", "temperature")[_frozen_row(one)]
    if np.isfinite(times).all():
        return mean(times, "log")
    return Measured(*intervals.beyond(times, np.full(len(times), float(one["longest_lag"]))), beyond=True)


@quantity
def two_stages(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of the temperatures T > 0 at which Q relaxes in two stages.

    The local slope of log(-log Q) against log t falls below 0.1 where 0.02 < Q < 0.98, and later rises above 0.4.
    """
    one = of_panel(numbers, panel)
    curves = one["overlap_mean"].transpose("temperature", "lag").values[one["temperature"].values > 0]
    staged = [_staged(one["lag"].values, curve) for curve in curves if np.isfinite(curve).any()]
    return Measured.of(intervals.share(sum(staged), len(staged)), "no temperature above 0")


@quantity
def kink_shift(numbers: xr.Dataset) -> Measured:
    """Decades by which T* falls from the smallest to the largest chi of Fig. A1 that reaches 0.9 at T = 0."""
    ordered = numbers.sortby("chi")
    kinks = np.array([_kinks(ordered.isel(chi=row)) for row in range(ordered.sizes["chi"])])
    known = np.flatnonzero(np.isfinite(kinks).any(axis=1))
    if len(known) < 2:
        raise Missing("T* is known for fewer than two lengths")
    return mean(np.log10(kinks[known[0]] / kinks[known[-1]]))


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
    old, young = (single(numbers.isel(waiting_time=end), "tau90", "temperature")[row] for end in (-1, 0))
    return mean(old / young, "log", "not reached within the longest lag")


@quantity
def hot_slowdown(numbers: xr.Dataset) -> Measured:
    """tau90 for the longest over that for the shortest waiting time, geometric mean over the noise-dominated T."""
    kept = _some(_noise_dominated(numbers.isel(waiting_time=0), "tau90"))
    old, young = (single(numbers.isel(waiting_time=end), "tau90", "temperature")[kept] for end in (-1, 0))
    return mean(_geometric(old / young), "log")


@quantity
def age_kink_shift(numbers: xr.Dataset) -> Measured:
    """T* at the longest waiting time over that at the shortest (Fig. A9, A10)."""
    old, young = (_kinks(numbers.isel(waiting_time=end)) for end in (-1, 0))
    return mean(old / young, "log", "not reached at T = 0 within the longest lag")


def _worst(numbers: xr.Dataset, along: str) -> Measured:
    """The exponent furthest from -1 along a dimension, among those of at least three temperatures."""
    found = []
    for row in range(numbers.sizes[along]):
        one = numbers.isel({along: row})
        kept = _noise_dominated(one, "tau90")
        if kept.sum() > 2:
            found.append(mean(_slopes(one, kept, "tau90")))
    if not found:
        raise Missing("fewer than three noise-dominated temperatures with a resolved time")
    return max(found, key=lambda slope: abs(slope.value + 1))


def _slopes(one: xr.Dataset, kept: np.ndarray, time: str) -> np.ndarray:
    """Exponent of a relaxation time against the ``kept`` T (network)."""
    if kept.sum() < 2:
        raise Missing("fewer than two noise-dominated temperatures with a resolved time")
    times = single(one, time, "temperature")[kept]
    return powerlaw.exponents(one["temperature"].values[kept], times, points=int(kept.sum()))


def _kinks(one: xr.Dataset) -> np.ndarray:
    """T* of every network: where its Brownian line meets its time at T = 0."""
    lines = single(one, "tau90_brownian", "temperature") * one["temperature"].values[:, None]
    kinks: np.ndarray = _largest(lines) / single(one, "tau90", "temperature")[_frozen_row(one)]
    return kinks


def _ratios(one: xr.Dataset, time: str) -> np.ndarray:
    """Relaxation time over that of free Brownian weights of the same length, (temperature, network)."""
    ratios: np.ndarray = single(one, time, "temperature") / single(one, f"{time}_brownian", "temperature")
    return ratios


def _largest(values: np.ndarray) -> np.ndarray:
    """Largest finite value along the first axis; NaN where there is none."""
    largest = np.max(values, axis=0, where=np.isfinite(values), initial=-np.inf)
    return np.where(np.isfinite(largest), largest, np.nan)


def _geometric(values: np.ndarray) -> np.ndarray:
    geometric: np.ndarray = np.exp(np.log(values).mean(axis=0))
    return geometric


def _staged(lags: np.ndarray, curve: np.ndarray) -> bool:
    inside = (curve > 0.02) & (curve < 0.98)
    if inside.sum() < 4:
        return False
    slopes = np.gradient(np.log(-np.log(curve[inside])), np.log(lags[inside]))
    low = np.flatnonzero(slopes < ARRESTED)
    return bool(low.size) and bool((slopes[low[0] :] > RELAXING).any())


def _shown(one: xr.Dataset, time: str) -> np.ndarray:
    """Temperatures T > 0 of this panel; the others belong to other panels of the figure."""
    shown: np.ndarray = np.isfinite(one[f"{time}_brownian"].values)
    return shown


def _frozen_row(one: xr.Dataset) -> int:
    if 0 not in one["temperature"].values:
        raise Missing("T = 0 is not measured")
    return int(np.flatnonzero(one["temperature"].values == 0)[0])


def _frozen_single(one: xr.Dataset, time: str) -> np.ndarray:
    times: np.ndarray = single(one, time, "temperature")[_frozen_row(one)]
    if np.isnan(times).all():
        raise Missing("not reached at T = 0 within the longest lag")
    return times


def _coldest(one: xr.Dataset, time: str) -> int:
    """Index of the coldest T > 0 that reaches the time."""
    reached = np.flatnonzero((one["temperature"].values > 0) & np.isfinite(one[f"{time}_mean"].values))
    if not reached.size:
        raise Missing("no temperature at which the relaxation time is reached")
    return int(reached[one["temperature"].values[reached].argmin()])


def _some(kept: np.ndarray) -> np.ndarray:
    if not kept.any():
        raise Missing("no noise-dominated temperature with a resolved time")
    return kept


def _noise_dominated(one: xr.Dataset, time: str) -> np.ndarray:
    """Temperatures with a resolved time whose Brownian time is well below the time at T = 0.

    tau_e may not be reached at T = 0 within the longest lag, so tau90 is compared, too. Without a time at T = 0 every
    temperature counts.
    """
    value, temperatures = one[f"{time}_mean"].values, one["temperature"].values
    kept: np.ndarray = (temperatures > 0) & np.isfinite(value) & (value >= RESOLVED)
    for each in dict.fromkeys((time, "tau90")):
        if f"{each}_brownian" in one and 0 in temperatures:
            frozen = float(one[f"{each}_mean"].values[temperatures == 0][0])
            if math.isfinite(frozen):
                kept &= one[f"{each}_brownian"].values <= NOISE * frozen
    return kept
