"""Quantities of KWJ Fig. 5, 7, 8, A8 and A11: displacement, non-Gaussianity, heterogeneity, ageing."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from scipy import stats

from quench.claims.measured import Measured, Missing, mean, networks, of_panel, quantity, single, size
from quench.estimators import powerlaw
from quench.estimators.rescaling import time_to_displacement
from quench.numerics import intervals
from quench.theory import brownian

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
    return mean(powerlaw.exponents(one["lag"].values[inside], single(one, "msd", "lag")[inside]))


@quantity
def diffusive_amplitude(numbers: xr.Dataset, panel: str, lags: tuple[float, float] = (1, 100)) -> Measured:
    """MSD over 2 D t of free Brownian weights at the hottest temperature, geometric mean over ``lags``."""
    one = _hottest(of_panel(numbers, panel))
    inside = (one["lag"].values >= lags[0]) & (one["lag"].values <= lags[1])
    diffusion = brownian.diffusion_constant(float(one["step_size"]), float(one["temperature"]), float(one["P_D"]))
    ratio = single(one, "msd", "lag")[inside] / brownian.msd(one["lag"].values[inside], diffusion)[:, None]
    measured = np.isfinite(ratio).any(axis=1)
    return mean(np.exp(np.log(ratio[measured]).mean(axis=0)), "log")


@quantity
def sigma_scatter(numbers: xr.Dataset, panel: str) -> Measured:
    """Standard deviation over networks of sigma = chi epsilon, the spread of their weights, over its mean."""
    lengths = single(of_panel(numbers, panel), "epsilon", "temperature")
    lengths = lengths[np.isfinite(lengths).any(axis=1)][0]
    lengths = lengths[np.isfinite(lengths)]
    found = intervals.leaving_out(lambda kept: lengths[kept].std(ddof=1) / lengths[kept].mean(), len(lengths))
    return Measured.of(intervals.jackknifed(found, "log"))


@quantity
def turning_time(numbers: xr.Dataset, times: xr.Dataset, panel: str, fallen: float = 0.1) -> Measured:
    """Time in which w(t_w) . w(t_w + t) falls by ``fallen``, over tau90, at the hottest temperature.

    At constant length of w the inner product falls by MSD / (2 sigma^2). A lower bound where it does not fall that far.
    """
    one = _hottest(of_panel(numbers, panel))
    lags, sigmas = one["lag"].values, float(one["chi"]) * single(one, "epsilon")
    curves = single(one, "msd", "lag").T
    turned = [
        time_to_displacement(curve[None], lags, 2 * fallen * sigma**2)[0]
        for curve, sigma in zip(curves, sigmas, strict=True)
    ]
    tau90 = single(of_panel(times, panel).sel(temperature=float(one["temperature"])), "tau90")
    known = np.isfinite(tau90)
    ratio = (np.array(turned) / tau90)[known]
    if np.isfinite(ratio).all():
        return mean(ratio, "log")
    longest = lags[np.isfinite(curves).any(axis=0)].max()
    return Measured(*intervals.beyond(ratio, longest / tau90[known]), beyond=True)


@quantity
def oscillation(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest relative fall of the MSD from one lag to the next, for lags up to 100, at the coldest T > 0."""
    one = of_panel(numbers, panel)
    cold = one.isel(temperature=int(_rows(one)[-1]), lag=(one["lag"].values > 0) & (one["lag"].values <= OSCILLATIONS))
    values = single(cold.dropna("lag", subset=["msd_mean"]), "msd", "lag")
    return mean(np.maximum(1 - values[1:] / values[:-1], 0).max(axis=0))


@quantity
def cold_msd_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """MSD at the longest lag at the coldest T > 0 over that of the same networks at T = 0."""
    one = of_panel(numbers, panel)
    if 0 not in one["temperature"].values:
        raise Missing("T = 0 is not measured")
    row, frozen = int(_rows(one)[-1]), int(np.flatnonzero(one["temperature"].values == 0)[0])
    final = _last(one)
    # A network at exactly zero loss does not move at T = 0 and cannot be compared.
    moved = np.where(final[frozen] > 0, final[frozen], np.nan)
    return mean(final[row] / moved, "log", "nothing moves at T = 0")


@quantity
def recovery(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of the temperatures whose MSD shows a cage: a local slope below 0.4, then one above 0.8 at a longer lag.

    Lags below 100 are left out: discrete steps oscillate there in steep directions (KWJ Sec. III.4).
    """
    one = of_panel(numbers, panel)
    rows = _rows(one)
    caged = 0
    for slopes in _late(one)["slope"].transpose("temperature", "lag").values[rows]:
        known = slopes[np.isfinite(slopes)]
        low = np.flatnonzero(known < CAGED)
        caged += bool(low.size) and bool((known[low[0] :] > FREE).any())
    found = Measured.of(intervals.share(caged, len(rows)))
    return Measured(found.value, found.low, found.high, networks(one))


@quantity
def furthest_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Exponent of the MSD over the last decade of lag, at the T > 0 where it is furthest from 1."""
    one = of_panel(numbers, panel)
    slopes = [mean(_last_decade(one.isel(temperature=row))) for row in _rows(one)]
    return max(slopes, key=lambda found: abs(found.value - 1))


@quantity
def late_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Exponent of the MSD over the last decade of lag at the hottest temperature."""
    return mean(_last_decade(_hottest(of_panel(numbers, panel))))


@quantity
def slope_range(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest minus smallest exponent of the MSD among the decades of lag from 100 on, at the coldest T > 0."""
    one = of_panel(numbers, panel)
    cold = one.isel(temperature=int(_rows(one)[-1]))
    lags, values = cold["lag"].values, single(cold, "msd", "lag")
    decades = [(lags >= 10.0**k) & (lags <= 10.0 ** (k + 1)) for k in range(2, int(np.log10(lags.max())))]
    if len(decades) < 2:
        raise Missing("fewer than two decades of lag from 100 on")
    slopes = np.array([powerlaw.exponents(lags[inside], values[inside], points=3) for inside in decades])
    return mean(np.ptp(slopes, axis=0))


@quantity
def sgd_final_slope(numbers: xr.Dataset) -> Measured:
    """Exponent of the MSD under SGD over the last decade of lag, at the smallest batch."""
    one = _sgd(numbers)
    return mean(_decade(one["sgd_lag"].values, one["sgd_msd_single"].transpose("sgd_lag", "sgd_network").values))


@quantity
def sgd_over_langevin(numbers: xr.Dataset, panel: str, temperature: float) -> Measured:
    """MSD under SGD at the longest lag and smallest batch, over that of the same networks under Langevin dynamics.

    Both are compared with the longest lag of the run at ``temperature``.
    """
    one = of_panel(numbers, panel)
    if temperature not in one["temperature"].values:
        raise Missing(f"T = {temperature:g} is not measured")
    final = _sgd_final(numbers)
    # A panel has places for the networks of every panel; the first ones are those of its own ensemble.
    return mean(final / _last(one.sel(temperature=[temperature]))[0, : len(final)], "log")


@quantity
def earlier_when_colder(numbers: xr.Dataset, panel: str) -> Measured:
    """Spearman correlation with T > 0 of the lag at which alpha2 first exceeds 0.2; a curve that never does ranks last."""
    one = of_panel(numbers, panel)
    rows, lags = _rows(one, "alpha2_mean"), one["lag"].values
    temperatures = one["temperature"].values[rows]
    above = (single(one, "alpha2", "temperature", "lag")[rows] > NON_GAUSSIAN) & (lags > 0)[:, None]
    first = np.where(above.any(axis=1), lags[above.argmax(axis=1)], 2 * lags[-1])
    alike = "alpha2 exceeds 0.2 at the same lag at all temperatures, or at none"
    if len(rows) < 3:
        raise Missing("fewer than three temperatures")
    found = [stats.spearmanr(temperatures, one).statistic if np.ptp(one) else np.nan for one in first.T]
    return mean(found, missing=alike)


@quantity
def cold_alpha2(numbers: xr.Dataset, panel: str) -> Measured:
    """Largest alpha2 at the coldest T > 0, for lags >= 100 (shorter ones show the oscillations of discrete steps)."""
    one = _late(of_panel(numbers, panel))
    row = _rows(one, "alpha2_mean")[-1]
    return _alpha2(one.isel(temperature=row, lag=int(np.nanargmax(one["alpha2_mean"].values[row]))))


@quantity
def hot_alpha2(numbers: xr.Dataset, panel: str, until: float = 100) -> Measured:
    """Largest |alpha2| at the hottest temperature for lags up to ``until``."""
    one = _hottest(of_panel(numbers, panel), "alpha2_mean")
    early = np.where((one["lag"].values > 0) & (one["lag"].values <= until), abs(one["alpha2_mean"].values), np.nan)
    return size(_alpha2(one.isel(lag=int(np.nanargmax(early)))))


@quantity
def final_alpha2(numbers: xr.Dataset, panel: str) -> Measured:
    """alpha2 at the longest lag over its largest value, at the coldest T > 0, for lags >= 100; in glasses it falls to 0."""
    one = _late(of_panel(numbers, panel))
    cold = one.isel(temperature=int(_rows(one, "alpha2_mean")[-1]))
    values, known = single(cold, "alpha2", "lag"), np.flatnonzero(np.isfinite(cold["alpha2_mean"].values))
    peak = int(np.nanargmax(cold["alpha2_mean"].values))
    return mean(values[known[-1]] / values[peak])


@quantity
def bimodal_p(numbers: xr.Dataset, panel: str) -> Measured:
    """Holm-corrected p-value of the dip test, the smallest over all T > 0."""
    one = of_panel(numbers, panel)
    value = float(one["dip_p_corrected"].min())
    if math.isnan(value):
        raise Missing("no histogram at a temperature above 0")
    return Measured(value, n_networks=networks(one), exact="a p-value, which is itself a statement on uncertainty")


@quantity
def ageing_exponent(numbers: xr.Dataset, panel: str) -> Measured:
    """d log tau90 / d log t_w of the single networks, censored times included."""
    return mean(single(of_panel(numbers, panel), "exponent"), missing="fewer than two waiting times reach Q = 0.9")


@quantity
def ageing_difference(numbers: xr.Dataset, panel: str, other: str) -> Measured:
    """Ageing exponent of one phase minus that of another; their networks are independent."""
    first, second = (single(of_panel(numbers, name), "exponent") for name in (panel, other))
    return Measured.of(intervals.difference(first, second))


def _rows(one: xr.Dataset, name: str = "msd_mean") -> np.ndarray:
    """Indices of the temperatures T > 0 of this panel, hottest first."""
    measured = np.isfinite(one[name].transpose("temperature", "lag").values).any(axis=1)
    rows = np.flatnonzero(measured & (one["temperature"].values > 0))
    if not rows.size:
        raise Missing("no temperature above 0")
    return rows


def _hottest(one: xr.Dataset, name: str = "msd_mean") -> xr.Dataset:
    return one.isel(temperature=int(_rows(one, name)[0]))


def _late(one: xr.Dataset) -> xr.Dataset:
    late = one.isel(lag=one["lag"].values >= OSCILLATIONS)
    if not late.sizes["lag"]:
        raise Missing(f"no lag from {OSCILLATIONS} on")
    return late


def _alpha2(point: xr.Dataset) -> Measured:
    """alpha2 at one temperature and lag: a ratio of averages, whose interval is the jackknife's."""
    value, low, high = (float(point[f"alpha2_{end}"]) for end in ("mean", "low", "high"))
    return Measured(value, low, high, networks(point), "no interval: 1 network" if math.isnan(low) else "")


def _last(one: xr.Dataset) -> np.ndarray:
    """MSD of every network at the longest lag of this panel, (temperature, network)."""
    known = np.flatnonzero(np.isfinite(one["msd_mean"].transpose("lag", "temperature").values).any(axis=1))
    return single(one.isel(lag=int(known[-1])), "msd", "temperature")


def _last_decade(one: xr.Dataset) -> np.ndarray:
    return _decade(one["lag"].values, single(one, "msd", "lag"))


def _decade(lags: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Exponent of ``values`` (lag, network) over the last decade of lag, (network)."""
    longest = lags[np.isfinite(values).any(axis=1)].max()
    inside = lags >= longest / 10
    return powerlaw.exponents(lags[inside], values[inside])


def _sgd(numbers: xr.Dataset) -> xr.Dataset:
    """The SGD run of Fig. 5(d) at its smallest batch."""
    if "sgd_msd_single" not in numbers:
        raise Missing("the figure shows no run under SGD")
    return numbers.sel(batch_size=float(numbers["batch_size"].min()))


def _sgd_final(numbers: xr.Dataset) -> np.ndarray:
    values = _sgd(numbers)["sgd_msd_single"].transpose("sgd_lag", "sgd_network").values
    final: np.ndarray = values[np.flatnonzero(np.isfinite(values).any(axis=1))[-1]]
    return final
