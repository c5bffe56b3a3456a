"""Quantities of KWJ Fig. 5, 7, 8, A8 and A11: displacement, non-Gaussianity, heterogeneity, ageing."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy import stats

from quench.claims.measured import Measured, networks, of_panel, quantity, stored
from quench.estimators import powerlaw

# A cage: the local slope falls below the first value and later rises above the second.
CAGED, FREE = 0.4, 0.8
# Displacements count as non-Gaussian where alpha2 exceeds this.
NON_GAUSSIAN = 0.2
# Discrete steps oscillate in steep directions for about this many updates.
OSCILLATIONS = 100


@quantity
def diffusive_slope(numbers: xr.Dataset, panel: str, lags: tuple[float, float] = (1, 300)) -> Measured:
    """Exponent of the MSD against lag at the hottest temperature, over ``lags``."""
    one = _hottest(of_panel(numbers, panel))
    inside = (one["lag"].values >= lags[0]) & (one["lag"].values <= lags[1])
    found = powerlaw.fit(one["lag"].values[inside], one["msd_mean"].values[inside])
    return Measured(found.value, found.low, found.high, networks(one))


@quantity
def cold_msd_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """MSD at the longest lag at the coldest T > 0 over that of the same networks at T = 0."""
    found = stored(of_panel(numbers, panel), "cold_ratio")
    reason = "" if math.isfinite(found.value) else "T = 0 is not measured"
    return Measured(found.value, found.low, found.high, found.n_networks, reason)


@quantity
def recovery(numbers: xr.Dataset, panel: str) -> Measured:
    """Number of temperatures whose MSD shows a cage: a local slope below 0.4, then one above 0.8 at a longer lag.

    Lags below 100 are left out: discrete steps oscillate there in steep directions (KWJ Sec. III.4).
    """
    one = of_panel(numbers, panel)
    late = _late(one)["slope"].transpose("temperature", "lag").values
    caged = 0
    for slopes in late:
        known = slopes[np.isfinite(slopes)]
        low = np.flatnonzero(known < CAGED)
        caged += bool(low.size) and bool((known[low[0] :] > FREE).any())
    return Measured(float(caged), n_networks=networks(one))


@quantity
def smallest_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Exponent of the MSD over the last decade of lag: the smallest among all T > 0."""
    one = of_panel(numbers, panel)
    slopes = [_last_decade(one.isel(temperature=row)) for row in _rows(one)]
    worst = min(slopes, key=lambda found: found.value)
    return Measured(worst.value, worst.low, worst.high, networks(one))


@quantity
def late_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Exponent of the MSD over the last decade of lag at the hottest temperature."""
    one = of_panel(numbers, panel)
    found = _last_decade(_hottest(one))
    return Measured(found.value, found.low, found.high, networks(one))


@quantity
def sgd_final_slope(numbers: xr.Dataset) -> Measured:
    """Exponent of the MSD under SGD over the last decade of lag, at the smallest batch."""
    one = numbers.sel(batch_size=float(numbers["batch_size"].min()))
    found = _decade(one["sgd_lag"].values, one["sgd_msd_mean"].values)
    return Measured(found.value, found.low, found.high, int(numbers["sgd_networks"]))


@quantity
def sgd_level(numbers: xr.Dataset) -> Measured:
    """MSD under SGD at the longest lag, at the smallest batch."""
    one = numbers.sel(batch_size=float(numbers["batch_size"].min()))
    row = np.flatnonzero(np.isfinite(one["sgd_msd_mean"].values))[-1]
    value, low, high = (float(one[f"sgd_msd_{end}"].values[row]) for end in ("mean", "low", "high"))
    return Measured(value, low, high)


@quantity
def sgd_level_over_well(numbers: xr.Dataset) -> Measured:
    """``sgd_level`` over 2T/(k P_D) at T = 0.1, the MSD between independent configurations in the well."""
    level = sgd_level(numbers)
    well = 2 * float(numbers["sgd_variance_level"])
    return Measured(level.value / well, level.low / well, level.high / well)


@quantity
def earlier_when_colder(numbers: xr.Dataset, panel: str) -> Measured:
    """Spearman correlation with T > 0 of the lag at which alpha2 first exceeds 0.2; a curve that never does ranks last."""
    one = of_panel(numbers, panel)
    rows = _rows(one, "alpha2_mean")
    lags = one["lag"].values
    first = []
    for row in rows:
        above = np.flatnonzero((one["alpha2_mean"].values[row] > NON_GAUSSIAN) & (lags > 0))
        first.append(lags[above[0]] if above.size else 2 * lags[-1])
    if len(set(first)) < 2:
        return Measured(math.nan, reason="alpha2 exceeds 0.2 at the same lag at all temperatures, or at none")
    value = stats.spearmanr(one["temperature"].values[rows], first).statistic
    return Measured(float(value), n_networks=networks(one))


@quantity
def cold_alpha2(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest alpha2 at the coldest T > 0, for lags >= 100 (shorter ones show the oscillations of discrete steps)."""
    one = _late(of_panel(numbers, panel))
    row = _rows(one, "alpha2_mean")[-1]
    at = int(np.nanargmax(one["alpha2_mean"].values[row]))
    value, low, high = (float(one[f"alpha2_{end}"].values[row][at]) for end in ("mean", "low", "high"))
    return Measured(value, low, high, networks(one))


@quantity
def hot_alpha2(numbers: xr.Dataset, panel: str, until: float = 100) -> Measured:
    """Largest |alpha2| at the hottest temperature for lags up to ``until``."""
    one = _hottest(of_panel(numbers, panel), "alpha2_mean")
    early = (one["lag"].values > 0) & (one["lag"].values <= until)
    return Measured(float(np.nanmax(np.abs(one["alpha2_mean"].values[early]))), n_networks=networks(one))


@quantity
def final_alpha2(numbers: xr.Dataset, panel: str) -> Measured:
    """alpha2 at the longest lag over its largest value, at the coldest T > 0, for lags >= 100; in glasses it falls to 0."""
    one = _late(of_panel(numbers, panel))
    row = _rows(one, "alpha2_mean")[-1]
    values = one["alpha2_mean"].values[row]
    known = values[np.isfinite(values)]
    return Measured(float(known[-1] / known.max()), n_networks=networks(one))


@quantity
def bimodal_p(numbers: xr.Dataset, panel: str, temperature: float | None = None) -> Measured:
    """Holm-corrected p-value of the dip test at ``temperature``, or the smallest over all T > 0."""
    one = of_panel(numbers, panel)
    values = one["dip_p_corrected"]
    value = float(values.min()) if temperature is None else float(values.sel(temperature=temperature))
    reason = "" if math.isfinite(value) else "no histogram at a temperature above 0"
    return Measured(value, n_networks=networks(one), reason=reason)


@quantity
def ageing_exponent(numbers: xr.Dataset, panel: str) -> Measured:
    """d log tau90 / d log t_w of the single networks, censored times included."""
    return stored(of_panel(numbers, panel), "exponent")


@quantity
def ageing_difference(numbers: xr.Dataset, panel: str, other: str) -> Measured:
    """Ageing exponent of one phase minus that of another; the interval adds the two in quadrature."""
    a, b = (stored(of_panel(numbers, name), "exponent") for name in (panel, other))
    value = a.value - b.value
    down, up = math.hypot(a.value - a.low, b.high - b.value), math.hypot(a.high - a.value, b.value - b.low)
    return Measured(value, value - down, value + up, a.n_networks + b.n_networks)


def _rows(one: xr.Dataset, name: str = "msd_mean") -> np.ndarray:
    """Indices of the temperatures T > 0 of this panel, hottest first."""
    measured = np.isfinite(one[name].transpose("temperature", "lag").values).any(axis=1)
    return np.flatnonzero(measured & (one["temperature"].values > 0))


def _hottest(one: xr.Dataset, name: str = "msd_mean") -> xr.Dataset:
    return one.isel(temperature=int(_rows(one, name)[0]))


def _late(one: xr.Dataset) -> xr.Dataset:
    return one.isel(lag=one["lag"].values >= OSCILLATIONS)


def _last_decade(one: xr.Dataset) -> powerlaw.Exponent:
    return _decade(one["lag"].values, one["msd_mean"].values)


def _decade(lags: np.ndarray, values: np.ndarray) -> powerlaw.Exponent:
    longest = lags[np.isfinite(values)].max()
    inside = lags >= longest / 10
    return powerlaw.fit(lags[inside], values[inside])
