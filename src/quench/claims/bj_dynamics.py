"""Quantities of BJ Fig. 3, 4 and 5(b) and of our figures beside them: collapse, ageing, diffusion, flat directions."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, networks, of_panel
from quench.estimators import powerlaw
from quench.estimators.two_time import collapse_score, time_to_displacement

BOUNDS = ("value", "low", "high")


def score(numbers: xr.Dataset, regime: str, window: str, rescaling: str, panel: str | None = None) -> Measured:
    """Collapse score: scatter of the curves of a regime in decades, lags up to one epoch or half the run."""
    one = _one(numbers, panel)
    found = one["score"].sel(regime=regime, window=window, rescaling=rescaling)
    values = [float(found.sel(bound=bound)) for bound in BOUNDS]
    reason = "" if math.isfinite(values[0]) else "fewer than three waiting times, or none that long"
    return Measured(*values, networks(one), reason)


def score_ratio(
    numbers: xr.Dataset, panel: str, rescaling: str, over: str, window: str = "half", regime: str = "bottom"
) -> Measured:
    """Collapse score of one rescaling over that of another."""
    first, second = (score(numbers, regime, window, name, panel) for name in (rescaling, over))
    return Measured(first.value / second.value, n_networks=first.n_networks, reason=first.reason)


def accumulated_gain(numbers: xr.Dataset, panel: str) -> Measured:
    """Collapse score of the accumulated noise over that of D(t_w), t_w > t2 and lags up to half the run."""
    one = of_panel(numbers, panel)
    values = [float(one["gain"].sel(bound=bound)) for bound in BOUNDS]
    reason = "" if math.isfinite(values[0]) else "fewer than three waiting times beyond t2"
    return Measured(*values, networks(one), reason)


def old_score(numbers: xr.Dataset, lag: float) -> Measured:
    """Collapse score of the displacement over t_w from 3 t1 on, lags up to ``lag``."""
    old = numbers["waiting_time"].values >= 3 * float(numbers["t1"])
    value = collapse_score(numbers["displacement"].values[old], numbers["lag"].values, (1, lag))
    reason = "" if math.isfinite(value) else "fewer than three waiting times beyond 3 t1"
    return Measured(value, n_networks=networks(numbers), reason=reason)


def window_ratio(numbers: xr.Dataset, regime: str, rescaling: str, panel: str | None = None) -> Measured:
    """Collapse score up to half the run over that up to one epoch: above 1, the curves part at long lags."""
    late, early = (score(numbers, regime, window, rescaling, panel) for window in ("half", "epoch"))
    return Measured(late.value / early.value, n_networks=late.n_networks, reason=late.reason)


def ageing(numbers: xr.Dataset, panel: str | None = None) -> Measured:
    """Exponent of the time to a fixed displacement in t_w, from 2 t1 on."""
    one = _one(numbers, panel)
    return Measured(*(float(one["ageing_exponent"].sel(bound=bound)) for bound in BOUNDS), networks(one))


def slowdown(numbers: xr.Dataset, regime: str) -> Measured:
    """Exponent in t_w of the time to a fixed displacement, over t_w between t1 and t2 or beyond t2.

    The displacement is in the middle, on a log axis, of what all curves of the regime measure.
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


def slope(numbers: xr.Dataset, panel: str, decade: int) -> Measured:
    """Local slope of Delta/D(t_w) for t_w > t2 over lags from 10^decade to 10^(decade + 1)."""
    one = of_panel(numbers, panel)
    values = [float(one["slope"].sel(decade=decade, bound=bound)) for bound in BOUNDS]
    reason = "" if math.isfinite(values[0]) else "no such lags beyond t2"
    return Measured(*values, networks(one), reason)


def smallest_slope(numbers: xr.Dataset, panel: str) -> Measured:
    """Smallest local slope per decade of Delta/D(t_w) for t_w > t2: near 0 on a plateau."""
    one = of_panel(numbers, panel)
    values = one["slope"].sel(bound="value").values
    if not np.isfinite(values).any():
        return Measured(math.nan, reason="no waiting time beyond t2")
    decade = int(np.nanargmin(values))
    return Measured(*(float(one["slope"].isel(decade=decade).sel(bound=bound)) for bound in BOUNDS), networks(one))


def amplitude(numbers: xr.Dataset, panel: str, variable: str = "amplitude") -> Measured:
    """Geometric mean of Delta over its parameter-free value, t_w > t2 and lags up to one epoch; ends: its range."""
    one = of_panel(numbers, panel)
    waiting, lags = one["waiting_time"].values, one["lag"].values
    values = one[variable].values[np.ix_(waiting >= float(one["t2"]), lags <= float(one["epoch"]))]
    return _geometric(values, networks(one))


def early_prediction(numbers: xr.Dataset, panel: str) -> Measured:
    """Geometric mean of Delta over noise and drift together, t_w < t1 and lags up to 10; ends: its range."""
    one = of_panel(numbers, panel)
    waiting, lags = one["waiting_time"].values, one["lag"].values
    return _geometric(one["prediction"].values[np.ix_(waiting < float(one["t1"]), lags <= 10)], networks(one))


def drift_share(numbers: xr.Dataset, lag: float) -> Measured:
    """Displacement of noise-free descent over that of SGD at ``lag`` (the nearest measured), last t_w."""
    one = numbers.isel(waiting_time=-1).sel(lag=lag, method="nearest")
    return Measured(float(one["ratio"]), n_networks=int(numbers["n_networks"]))


def drift_cosine(numbers: xr.Dataset, lag: float) -> Measured:
    """Cosine between the displacements of SGD and of noise-free descent at ``lag``, last t_w."""
    one = numbers.isel(waiting_time=-1).sel(lag=lag, method="nearest")
    return Measured(float(one["cosine"]), n_networks=int(numbers["n_networks"]))


def share_at_crossover(numbers: xr.Dataset) -> Measured:
    """The same share at t* = D M / (B |grad L|^2), where both mechanisms should contribute alike."""
    one = numbers.isel(waiting_time=-1)
    at, lags = float(one["crossover"]), one["lag"].values
    if not lags[0] <= at <= lags[-1]:
        return Measured(math.nan, reason=f"t* = {at:.3g} is outside the measured lags")
    return Measured(
        float(np.interp(np.log(at), np.log(lags), one["ratio"].values)), n_networks=int(numbers["n_networks"])
    )


def flat_share(numbers: xr.Dataset, panel: str, moment: str) -> Measured:
    """Share of flat directions at the "first" or "last" measurement, with its range over networks."""
    one = of_panel(numbers, panel).dropna("measured", subset=["flat_value"]).isel(measured=_place(moment))
    return Measured(*(float(one[f"flat_{bound}"]) for bound in BOUNDS), networks(one))


def flat_gain(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of flat directions at the end minus that at the start."""
    first, last = (flat_share(numbers, panel, moment).value for moment in ("first", "last"))
    return Measured(last - first, n_networks=networks(of_panel(numbers, panel)))


def negative_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Number of downhill directions at the end over that at the start."""
    one = of_panel(numbers, panel).dropna("measured", subset=["negative_value"])
    values = one["negative_value"].values
    return Measured(float(values[-1] / values[0]), n_networks=networks(one))


def barrier(numbers: xr.Dataset, panel: str, between: str) -> Measured:
    """Height of the loss on straight lines above their higher end, over the constant predictor's loss; the largest.

    ``between`` "times": the last two configurations of each network; "networks": their ends.
    """
    one = of_panel(numbers, panel).dropna("line", subset=["line_loss"])
    differ = one["line_seeds_differ"].values.astype(bool)
    late = one["line_start"].values == one["line_start"].values[~differ].max()
    loss = one["line_loss"].values[differ if between == "networks" else ~differ & late]
    if not len(loss):
        return Measured(math.nan, reason="no such lines")
    height = (loss.max(axis=1) - np.maximum(loss[:, 0], loss[:, -1])) / float(one["constant_loss"])
    return Measured(float(height.max()), n_networks=networks(one))


def plateau_slope(numbers: xr.Dataset, sampling: str) -> Measured:
    """Smallest local slope of the displacement over lags up to two epochs, mean over the last decade of t_w."""
    one = numbers.sel(sampling=sampling)
    slopes = one["slope"].where(one["waiting_time"] >= one["steps"] / 20).mean("waiting_time")
    inside = slopes.where(slopes["lag"] <= 2 * float(one["epoch"]))
    return Measured(float(inside.min()), n_networks=networks(one))


def _geometric(values: np.ndarray, n_networks: int) -> Measured:
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return Measured(math.nan, reason="nothing measured there")
    return Measured(float(np.exp(np.log(known).mean())), float(known.min()), float(known.max()), n_networks)


def _place(moment: str) -> int:
    return {"first": 0, "last": -1}[moment]


def _one(numbers: xr.Dataset, panel: str | None) -> xr.Dataset:
    return numbers if panel is None else of_panel(numbers, panel)


QUANTITIES = (
    score,
    score_ratio,
    accumulated_gain,
    old_score,
    window_ratio,
    ageing,
    slowdown,
    slope,
    smallest_slope,
    amplitude,
    early_prediction,
    drift_share,
    drift_cosine,
    share_at_crossover,
    flat_share,
    flat_gain,
    negative_ratio,
    barrier,
    plateau_slope,
)
