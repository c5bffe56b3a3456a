"""Evidence that a run ages: exponents of tau90 against t_w by length and of one network, and an answer in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import special

from quench.observables.lengths import RATIO, RESOLVED, Lengths

# A run whose exponent is known to be smaller than this does not age.
FLAT = 0.1


def exponents_by_length(msd: xr.DataArray, sigma: float, lengths: Lengths, count: int = 5) -> NDArray[np.float64]:
    """d log tau90 / d log t_w at ``count`` chi from the lowest to the highest of ``lengths``, from the displacements."""
    late = msd.sel(waiting_time=msd["waiting_time"] >= max(lengths.first, 1)).transpose("waiting_time", "lag")
    lags, ages = late["lag"].values.astype(float), late["waiting_time"].values.astype(float)
    found = []
    for chi in np.geomspace(lengths.low, lengths.high, count):
        level = (sigma / chi / RATIO) ** 2
        times = [_first_time(lags, curve, level) for curve in late.values]
        found.append(of_one_network(ages, times)[0])
    return np.array(found)


def _first_time(lags: NDArray[np.float64], curve: NDArray[np.float64], level: float) -> float:
    """The lag > 0 at which ``curve`` first reaches ``level``, interpolated on log axes; NaN if it does not."""
    kept = (lags > 0) & (curve > 0)
    grown = np.maximum.accumulate(np.log(curve[kept]))
    if not grown.size or grown[-1] < np.log(level):
        return np.nan
    return float(np.exp(np.interp(np.log(level), grown, np.log(lags[kept]))))


def of_one_network(ages: ArrayLike, times: ArrayLike) -> tuple[float, float, float]:
    """Least-squares exponent of times(ages) with the 95 % interval that follows from the scatter about the power law.

    Student's t with n - 2 degrees of freedom; NaN for fewer than three points. Another network may differ by more.
    """
    x, y = np.asarray(ages, float), np.asarray(times, float)
    kept = (x > 0) & (y > 0) & np.isfinite(y)
    if len(np.unique(x[kept])) < 2:
        return np.nan, np.nan, np.nan
    log_x, log_y = np.log(x[kept]), np.log(y[kept])
    slope, intercept = np.polyfit(log_x, log_y, 1)
    free = len(log_x) - 2
    if not free:
        return float(slope), np.nan, np.nan
    scatter = np.sum((log_y - intercept - slope * log_x) ** 2) / free
    half = special.stdtrit(free, 0.975) * np.sqrt(scatter / np.sum((log_x - log_x.mean()) ** 2))
    return float(slope), float(slope - half), float(slope + half)


class Fit(NamedTuple):
    """tau90 ~ t_w^value over t_w from ``first`` to ``last``, with its interval; ``fastest``: the shortest tau90."""

    value: float
    low: float
    high: float
    first: float
    last: float
    n_networks: int
    fastest: float


def in_words(fit: Fit, by_length: ArrayLike, lengths: Lengths, clock: str = "updates") -> str:
    """The answer in one sentence; "cannot be told" without an interval that decides, or where it depends on the length."""
    networks = f"{fit.n_networks} network{'s' if fit.n_networks != 1 else ''}"
    law = f"tau90 ~ t_w^{fit.value:.2f}"
    if interval := np.isfinite([fit.low, fit.high]).all():
        law = f"{law} [{fit.low:.2f}, {fit.high:.2f}]"
    law = f"{law} over t_w = {fit.first:.4g} to {fit.last:.4g} {clock} of {networks}"
    if doubt := _doubt(fit, np.asarray(by_length, float), lengths, law, bool(interval), clock):
        return f"whether it ages cannot be told: {doubt}"
    if fit.low > 0:
        return f"it ages: {law}"
    if fit.high < 0:
        return f"it does not age, but gets faster: {law}; a learning rate that rises does this (quench plot --rates)"
    return f"it does not age: {law}"


def _doubt(
    fit: Fit, by_length: NDArray[np.float64], lengths: Lengths, law: str, has_interval: bool, clock: str
) -> str | None:
    """Why the answer cannot be told, and what would help; None where it can."""
    advice = "record longer lags"
    if np.isfinite(lengths.low):
        advice = f"tau90 is resolved at chi = {lengths.low:.2g} to {lengths.high:.2g} for t_w >= {lengths.first:.4g}"
    if not np.isfinite(fit.value):
        return f"fewer than two t_w have a tau90 of at least {RESOLVED} updates within the recorded lags; {advice}"
    if fit.fastest < RESOLVED:
        return f"tau90 falls to {fit.fastest:.2g} {clock}, where weights follow the noise of single batches; {advice}"
    if not has_interval:
        return f"{law} has no interval; record three or more waiting times, or several seeds"
    known = by_length[np.isfinite(by_length)]
    if known.size and known.min() < -FLAT and known.max() > FLAT:
        return (
            f"{law}, but by the displacements the exponent depends on the length: {known[0]:.2f} at"
            f" chi = {lengths.low:.2g} and {known[-1]:.2f} at chi = {lengths.high:.2g}"
        )
    if fit.low <= 0 <= fit.high and max(-fit.low, fit.high) >= FLAT:
        return law
    return None
