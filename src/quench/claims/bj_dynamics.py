"""Quantities of BJ Fig. 3, 4 and 5(b) and of our own figures on them: collapse, ageing, diffusion, flat directions."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, bounded, networks, of_panel, quantity
from quench.estimators import powerlaw
from quench.estimators.rescaling import collapse_score, time_to_displacement


@quantity
def score(numbers: xr.Dataset, regime: str, window: str, rescaling: str, panel: str | None = None) -> Measured:
    """Collapse score: scatter in decades of the curves of a regime, for lags up to one epoch or half the run."""
    one = of_panel(numbers, panel)
    found = one["score"].sel(regime=regime, window=window, rescaling=rescaling)
    return bounded(found, networks(one), "fewer than three waiting times, or none that long")


@quantity
def score_ratio(
    numbers: xr.Dataset, panel: str, rescaling: str, over: str, window: str = "half", regime: str = "bottom"
) -> Measured:
    """Collapse score of one rescaling over that of another."""
    first, second = (score(numbers, regime, window, name, panel) for name in (rescaling, over))
    return Measured(first.value / second.value, n_networks=first.n_networks, reason=first.reason)


@quantity
def accumulated_gain(numbers: xr.Dataset, panel: str) -> Measured:
    """Collapse score of the accumulated noise over that of D(t_w), for t_w > t2 and lags up to half the run."""
    one = of_panel(numbers, panel)
    return bounded(one["gain"], networks(one), "fewer than three waiting times beyond t2")


@quantity
def old_score(numbers: xr.Dataset, lag: float) -> Measured:
    """Collapse score of the displacement for t_w >= 3 t1 and lags up to ``lag``."""
    old = numbers["waiting_time"].values >= 3 * float(numbers["t1"])
    value = collapse_score(numbers["displacement"].values[old], numbers["lag"].values, (1, lag))
    reason = "" if math.isfinite(value) else "fewer than three waiting times beyond 3 t1"
    return Measured(value, n_networks=networks(numbers), reason=reason)


@quantity
def window_ratio(numbers: xr.Dataset, regime: str, rescaling: str, panel: str | None = None) -> Measured:
    """Collapse score up to half the run over that up to one epoch; above 1 the curves separate at long lags."""
    late, early = (score(numbers, regime, window, rescaling, panel) for window in ("half", "epoch"))
    return Measured(late.value / early.value, n_networks=late.n_networks, reason=late.reason)


@quantity
def ageing(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent in t_w of the time to a fixed displacement, for t_w >= 2 t1."""
    one = of_panel(numbers, panel)
    return bounded(one["ageing_exponent"], networks(one))


@quantity
def slowdown(numbers: xr.Dataset, regime: str) -> Measured:
    """Exponent in t_w of the time to a fixed displacement, for t_w between t1 and t2 or beyond t2.

    The displacement is the geometric middle of the range that all curves of the regime cover.
    """
    t1, t2 = float(numbers["t1"]), float(numbers["t2"])
    if not math.isfinite(t2):
        return Measured(math.nan, reason="t2 is not reached")
    waiting = numbers["waiting_time"].values
    chosen = (waiting >= t1) & (waiting <= t2) if regime == "ageing" else waiting >= t2
    curves = numbers["displacement"].values[chosen]
    if chosen.sum() < 3:
        return Measured(math.nan, reason="fewer than three waiting times")
    lasts = [row[np.isfinite(row)][-1] for row in curves]
    level = float(np.sqrt(np.nanmax(curves[:, 0]) * min(lasts)))
    found = powerlaw.fit(waiting[chosen], time_to_displacement(curves, numbers["lag"].values, level))
    reason = "" if found.n_points >= 3 else "fewer than three waiting times reach a common displacement"
    return Measured(found.value if not reason else math.nan, found.low, found.high, networks(numbers), reason)


@quantity
def slope(numbers: xr.Dataset, panel: str, decade: int) -> Measured:
    """Local slope of Delta/D(t_w) for t_w > t2 and lags from 10^decade to 10^(decade + 1)."""
    one = of_panel(numbers, panel)
    return bounded(one["slope"].sel(decade=decade), networks(one), "no such lags beyond t2")


@quantity
def smallest_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Smallest of the local slopes of Delta/D(t_w) by decade of lag, for t_w > t2: near 0 on a plateau."""
    one = of_panel(numbers, panel)
    values = one["slope"].sel(bound="value").values
    if not np.isfinite(values).any():
        return Measured(math.nan, reason="no waiting time beyond t2")
    return bounded(one["slope"].isel(decade=int(np.nanargmin(values))), networks(one))


@quantity
def amplitude(numbers: xr.Dataset, panel: str, variable: str = "amplitude") -> Measured:
    """Geometric mean and range of Delta over its parameter-free prediction, for t_w > t2 and lags up to one epoch."""
    one = of_panel(numbers, panel)
    waiting, lags = one["waiting_time"].values, one["lag"].values
    values = one[variable].values[np.ix_(waiting >= float(one["t2"]), lags <= float(one["epoch"]))]
    return _geometric(values, networks(one))


@quantity
def early_prediction(numbers: xr.Dataset, panel: str) -> Measured:
    """Geometric mean and range of Delta over the prediction of noise and drift, for t_w < t1 and lags up to 10."""
    one = of_panel(numbers, panel)
    waiting, lags = one["waiting_time"].values, one["lag"].values
    return _geometric(one["prediction"].values[np.ix_(waiting < float(one["t1"]), lags <= 10)], networks(one))


@quantity
def drift_share(numbers: xr.Dataset, lag: float) -> Measured:
    """Displacement of noise-free descent over that of SGD at the measured lag nearest to ``lag``, last t_w."""
    one = numbers.isel(waiting_time=-1).sel(lag=lag, method="nearest")
    return Measured(float(one["ratio"]), n_networks=int(numbers["n_networks"]))


@quantity
def drift_cosine(numbers: xr.Dataset, lag: float) -> Measured:
    """Cosine between the displacements of SGD and of noise-free descent at the measured lag nearest to ``lag``."""
    one = numbers.isel(waiting_time=-1).sel(lag=lag, method="nearest")
    return Measured(float(one["cosine"]), n_networks=int(numbers["n_networks"]))


@quantity
def share_at_crossover(numbers: xr.Dataset) -> Measured:
    """Displacement of noise-free descent over that of SGD at t* = D M / (B |grad L|^2), last t_w."""
    one = numbers.isel(waiting_time=-1)
    at, lags = float(one["crossover"]), one["lag"].values
    if not lags[0] <= at <= lags[-1]:
        return Measured(math.nan, reason=f"t* = {at:.3g} is outside the measured lags")
    return Measured(
        float(np.interp(np.log(at), np.log(lags), one["ratio"].values)), n_networks=int(numbers["n_networks"])
    )


@quantity
def flat_share(numbers: xr.Dataset, panel: str, moment: str) -> Measured:
    """Share of flat directions at the "first" or "last" measurement, with its range over networks."""
    place = {"first": 0, "last": -1}[moment]
    one = of_panel(numbers, panel).dropna("measured", subset=["flat_value"]).isel(measured=place)
    return Measured(float(one["flat_value"]), float(one["flat_low"]), float(one["flat_high"]), networks(one))


@quantity
def flat_gain(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of flat directions at the end minus that at the start."""
    first, last = (flat_share(numbers, panel, moment).value for moment in ("first", "last"))
    return Measured(last - first, n_networks=networks(of_panel(numbers, panel)))


@quantity
def negative_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Number of directions of negative curvature at the end over that at the start."""
    one = of_panel(numbers, panel).dropna("measured", subset=["negative_value"])
    values = one["negative_value"].values
    return Measured(float(values[-1] / values[0]), n_networks=networks(one))


@quantity
def barrier(numbers: xr.Dataset, panel: str, between: str) -> Measured:
    """Largest rise of the loss on straight lines above their higher end, over the constant predictor's loss.

    ``between``: "times", lines between the last two configurations of each network; "networks", lines between the final
    configurations of different networks.
    """
    one = of_panel(numbers, panel).dropna("line", subset=["line_loss"])
    differ = one["line_seeds_differ"].values.astype(bool)
    late = one["line_start"].values == one["line_start"].values[~differ].max()
    loss = one["line_loss"].values[differ if between == "networks" else ~differ & late]
    if not len(loss):
        return Measured(math.nan, reason="no such lines")
    height = (loss.max(axis=1) - np.maximum(loss[:, 0], loss[:, -1])) / float(one["constant_loss"])
    return Measured(float(height.max()), n_networks=networks(one))


@quantity
def plateau_slope(numbers: xr.Dataset, sampling: str) -> Measured:
    """Smallest local slope of the displacement, mean over the last decade of t_w, for lags up to two epochs."""
    one = numbers.sel(sampling=sampling)
    slopes = one["slope"].where(one["waiting_time"] >= one["steps"] / 20).mean("waiting_time")
    inside = slopes.where(slopes["lag"] <= 2 * float(one["epoch"]))
    return Measured(float(inside.min()), n_networks=networks(one))


def _geometric(values: np.ndarray, n_networks: int) -> Measured:
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return Measured(math.nan, reason="no positive value was measured there")
    return Measured(float(np.exp(np.log(known).mean())), float(known.min()), float(known.max()), n_networks)
