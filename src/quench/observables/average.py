"""Averages over networks, with bootstrap intervals and the number of networks behind every value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from quench.numerics import bootstrap
from quench.observables import derived
from quench.store.variables import described

BOOTSTRAP_KEY = 20180718


def average(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Pool the observables of all networks in ``parts`` (chunks of one ensemble) and add their averages.

    For every observable that has one: ``<name>_mean`` without the dimension network, ``<name>_low`` and ``<name>_high``,
    the ends of the 95 % percentile bootstrap interval over networks (nested in no other resampling: a network is the unit
    of independence). A derived observable is computed from the averages of its tables: alpha2 is the ratio of averaged
    moments (KWJ Eq. 9), a mean relaxation time the crossing of the mean overlap. ``n_networks`` (waiting_time) counts the
    networks averaged, ``n_diverged`` the diverged ones, which count in nothing else.
    """
    pooled = xr.concat(parts, "network", data_vars="minimal", coords="minimal", compat="equals", join="exact")
    pooled = pooled.sortby("seed")
    alive = (pooled["diverged_at"] < 0).values
    weights = resampling_weights(alive)
    averaged = [one for one in derived.observables() if one.averaged and one.name in pooled]
    needed = {name for one in averaged for name in one.of or (one.name,)}
    curves = {name: _resampled(pooled[name], weights) for name in needed}
    for one in averaged:
        values = one.function(*(curves[name] for name in one.of)) if one.of else curves[one.name]
        mean, samples = values.isel(resample=0, drop=True), values.isel(resample=slice(1, None))
        # A time that some resamples never reach has no upper end: percentiles treat "not reached" as infinitely long.
        samples = samples.fillna(np.inf) if one.censored else samples
        low, high = xr.apply_ufunc(
            bootstrap.percentiles, samples, input_core_dims=[["resample"]], output_core_dims=[[], []]
        )
        attrs = pooled[one.name].attrs
        pooled[f"{one.name}_mean"] = mean.assign_attrs(attrs)
        for end, bound in (("low", low), ("high", high)):
            label = f"{end} end of the {bootstrap.CONFIDENCE:.0%} bootstrap interval: {one.long_name}"
            pooled[f"{one.name}_{end}"] = bound.assign_attrs(attrs | {"long_name": label})
    count = np.full(pooled.sizes["waiting_time"], alive.sum())
    pooled["n_networks"] = described(count, ("waiting_time",), "number of networks averaged")
    pooled["n_diverged"] = described(
        int((pooled["diverged_at"] >= 0).sum()), (), "number of networks that were lost to divergence"
    )
    return pooled


def resampling_weights(alive: np.ndarray) -> np.ndarray:
    """Weight of every network in the mean (row 0) and in each bootstrap resample; float64 (1 + resamples, network)."""
    kept = np.flatnonzero(alive)
    table = np.zeros((1 + bootstrap.RESAMPLES, len(alive)))
    if not kept.size:
        return np.full_like(table, np.nan)
    table[0, kept] = 1 / kept.size
    draws = bootstrap.draws(kept.size, bootstrap.RESAMPLES, BOOTSTRAP_KEY)
    for row, draw in zip(table[1:], draws, strict=True):
        row[kept] = np.bincount(draw, minlength=kept.size) / kept.size
    return table


def _resampled(values: xr.DataArray, weights: np.ndarray) -> xr.DataArray:
    """Weighted means over networks, (resample, ...); a network of weight 0 does not count even where it is NaN."""
    table = xr.DataArray(weights, dims=("resample", "network"))
    used = (weights != 0).any(axis=0)  # NaN where no network is left: so is its mean, not an empty sum
    kept = values.isel(network=used)
    # einsum in network order, one thread: the same bits whatever the chunks were.
    means: xr.DataArray = xr.apply_ufunc(
        lambda w, v: np.einsum("rn,n...->r...", w, v),
        table.isel(network=used),
        kept.transpose("network", ...),
        input_core_dims=[["resample", "network"], ["network", *[d for d in values.dims if d != "network"]]],
        output_core_dims=[["resample", *[d for d in values.dims if d != "network"]]],
    )
    return means
