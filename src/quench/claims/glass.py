"""Quantities of the p-spin glass: BJ Fig. 1, full ageing, fluctuation and dissipation, finite N against infinite N."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, Missing, quantity, size

SOLVED = "a solution of equations, with an estimated error far below the allowed range"
PULL = "a distance in units of its own standard error"


@quantity
def limit_energy(numbers: xr.Dataset, factor: float = 10.0) -> Measured:
    """lim E(t), extrapolated from E at t, t/``factor`` and t/``factor``^2 with t the last time; exact for a power law."""
    end = float(numbers["time"][-1])
    first, middle, last = (_at(numbers, "energy", end / factor**i) for i in (2, 1, 0))
    return Measured(last - (last - middle) ** 2 / ((last - middle) - (middle - first)), exact=SOLVED)


@quantity
def energy_exponent(numbers: xr.Dataset) -> Measured:
    """-d ln(E - E_th) / d ln t over the last decade."""
    end = float(numbers["time"][-1])
    return Measured(math.log10(_at(numbers, "excess", end / 10) / _at(numbers, "excess", end)), exact=SOLVED)


@quantity
def slowness(numbers: xr.Dataset, share: float = 1e-3) -> Measured:
    """Time at which E - E_th has fallen to ``share`` of |E_th|, over that of an exponential with the same initial slope."""
    left = float(-numbers["threshold_energy"]) * share
    times = numbers["time"].values
    known = times > 0
    excess = numbers["excess"].values[known]
    contrast = (numbers["exponential"] - numbers["threshold_energy"]).values[known]
    if not excess[-1] <= left:
        raise Missing("the solution ends before that")
    # np.interp needs rising abscissae; the coordinates make a power law and an exponential straight.
    time = np.exp(np.interp(-math.log(left), -np.log(excess), np.log(times[known])))
    early = contrast > 1e-12
    fast = np.interp(-math.log(left), -np.log(contrast[early]), times[known][early])
    return Measured(float(time / fast), exact=SOLVED)


@quantity
def plateau_height(numbers: xr.Dataset) -> Measured:
    """Delta where ln Delta is flattest against ln t, for 1 <= t <= t_w at the largest t_w."""
    oldest = numbers["displacement"].isel(waiting_time=-1)
    oldest = oldest.isel(lag=(oldest["lag"].values >= 1) & (oldest["lag"].values <= float(oldest["waiting_time"])))
    slopes = np.gradient(np.log(oldest.values), np.log(oldest["lag"].values))
    return Measured(float(oldest[int(np.argmin(slopes))]), exact=SOLVED)


@quantity
def final_displacement(numbers: xr.Dataset) -> Measured:
    """Delta at the longest t after the smallest t_w; 2 on a sphere once all memory is lost."""
    youngest = numbers["displacement"].isel(waiting_time=0).dropna("lag")
    return Measured(float(youngest[-1]), exact=SOLVED)


@quantity
def energy_above_lowest(numbers: xr.Dataset, lowest: float) -> Measured:
    """E at the last time minus the ``lowest`` energy, that of equilibrium."""
    return Measured(float(numbers["energy"][-1]) - lowest, exact=SOLVED)


@quantity
def short_time_spread(numbers: xr.Dataset, lag: float, waiting_time: float) -> Measured:
    """Largest over smallest Delta at ``lag`` for t_w >= ``waiting_time``, minus 1."""
    if lag not in numbers["lag"].values or waiting_time > float(numbers["waiting_time"][-1]):
        raise Missing(f"no t = {lag:g} for t_w from {waiting_time:g} on")
    values = numbers["displacement"].sel(lag=lag, waiting_time=slice(waiting_time, None)).values
    return Measured(float(values.max() / values.min() - 1), exact=SOLVED)


@quantity
def ageing_exponent(numbers: xr.Dataset) -> Measured:
    """d ln t_C / d ln t_w between the two largest waiting times: mean and range over the levels C."""
    earlier, later = numbers["relaxation"].values[-2:]
    slopes = np.log(later / earlier) / float(np.log(numbers["waiting_time"][-1] / numbers["waiting_time"][-2]))
    return Measured(float(slopes.mean()), float(slopes.min()), float(slopes.max()))


@quantity
def collapse_distance(numbers: xr.Dataset, scaled: float = 0.1) -> Measured:
    """Largest difference of C between the two largest waiting times at equal t / t_w >= ``scaled``."""
    curves = []
    for row in (-2, -1):
        one = numbers["correlation"].isel(waiting_time=row, lag=numbers["lag"].values > 0).dropna("lag")
        curves.append((np.log(one["lag"].values / float(one["waiting_time"])), one.values))
    (x, younger), (other, older) = curves
    shared = (x >= math.log(scaled)) & (x <= other[-1])
    return Measured(float(np.abs(younger[shared] - np.interp(x[shared], other, older)).max()), exact=SOLVED)


@quantity
def response_slope(numbers: xr.Dataset, low: float, high: float) -> Measured:
    """Least-squares slope of T chi against -C over low <= C / q_EA <= high, at the largest t_w."""
    oldest = numbers.isel(waiting_time=-1)
    share = oldest["correlation"].values / float(numbers["plateau"])
    chosen = (share >= low) & (share <= high)
    if chosen.sum() < 3:
        raise Missing(f"fewer than three points with C / q_EA between {low:g} and {high:g}")
    return Measured(
        -float(np.polyfit(oldest["correlation"].values[chosen], oldest["response"].values[chosen], 1)[0]), exact=SOLVED
    )


@quantity
def equilibrium_response(numbers: xr.Dataset) -> Measured:
    """Largest |T chi - (1 - C)| of the quenches to above T_d."""
    return Measured(
        float(abs(numbers["equilibrium_response"] - (1 - numbers["equilibrium_correlation"])).max()), exact=SOLVED
    )


@quantity
def equilibrium_energy(numbers: xr.Dataset) -> Measured:
    """Largest |E + 1/(2T)| at the end of the quenches to above T_d."""
    return Measured(float(abs(numbers["final_energy"] - numbers["equilibrium_energy"]).max()), exact=SOLVED)


@quantity
def energy_pull(numbers: xr.Dataset) -> Measured:
    """Largest distance of the 1/N-extrapolated energy from that at infinite N, in standard errors."""
    pulls = abs(numbers["intercept"] - numbers["solution_at_times"]) / numbers["intercept_error"]
    return Measured(float(pulls.where(np.isfinite(pulls) & (numbers["time"] > 0), drop=True).max()), exact=PULL)


@quantity
def correlation_pull(numbers: xr.Dataset) -> Measured:
    """Largest distance of the correlation at the largest N from that at infinite N, in standard errors."""
    largest = numbers.isel(n_spins=-1)
    pulls = abs(largest["correlation"] - largest["solution_correlation"]) / largest["correlation_error"]
    return Measured(float(pulls.where(largest["lag"] > 0).max()), exact=PULL)


@quantity
def violation_distance(numbers: xr.Dataset, waiting_time: float) -> Measured:
    """Largest |X_N - X| over the lags after t_w, of the fluctuation-dissipation ratios at the largest and at infinite N."""
    if "solution_ratio" not in numbers or waiting_time not in numbers["waiting_time"].values:
        raise Missing(f"no response at t_w = {waiting_time:g}")
    largest = numbers.isel(n_spins=-1).sel(waiting_time=waiting_time).dropna("lag", subset=["ratio", "solution_ratio"])
    worst = largest.isel(lag=int(np.argmax(abs(largest["ratio"] - largest["solution_ratio"]).values)))
    value, low, high = (float(worst[name] - worst["solution_ratio"]) for name in ("ratio", "ratio_low", "ratio_high"))
    return size(Measured(value, low, high))


def _at(numbers: xr.Dataset, name: str, time: float) -> float:
    try:
        return float(numbers[name].sel(time=time, method="nearest", tolerance=1e-6 * time))
    except KeyError:
        raise Missing(f"the solution has no time {time:g}") from None
