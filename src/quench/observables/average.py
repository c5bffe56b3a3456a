"""Averages over networks, with bootstrap intervals and the number of networks behind every value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from quench.observables.displacement import alpha2
from quench.observables.relaxation import LEVELS, crossing_time
from quench.store.variables import described

RESAMPLES = 1000
CONFIDENCE = 0.95
BOOTSTRAP_KEY = 20180718


def average(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Pool the observables of all networks in ``parts`` (chunks of one ensemble) and add their averages.

    Added: ``overlap_mean``, ``msd_mean``, ``alpha2_mean`` (waiting_time, lag) and ``tau90_mean``, ``tau_e_mean``
    (waiting_time), each with ``_low`` and ``_high``, the ends of the 95 % percentile bootstrap interval over networks
    (nested in no other resampling: a network is the unit of independence); and ``n_networks`` (waiting_time).
    alpha2 is the ratio of averaged moments (KWJ Eq. 9); a mean relaxation time is the crossing of the mean overlap.
    Lost networks count in nothing but ``n_diverged``.
    """
    pooled = xr.concat(parts, "network", data_vars="minimal", coords="minimal", compat="equals", join="exact")
    pooled = pooled.sortby("seed")
    alive = (pooled["diverged_at"] < 0).values
    weights = resampling_weights(alive)
    curves = {name: _resampled(pooled[name], weights) for name in ("overlap", "msd", "fourth_moment")}
    samples = {
        "overlap": curves["overlap"],
        "msd": curves["msd"],
        "alpha2": alpha2(curves["msd"], curves["fourth_moment"]),
        **{name: crossing_time(curves["overlap"], level) for name, level in LEVELS.items()},
    }
    tail = 50 * (1 - CONFIDENCE)
    for name, values in samples.items():
        attrs = pooled[name].attrs
        pooled[f"{name}_mean"] = values.isel(resample=0, drop=True).assign_attrs(attrs)
        # A time that some resamples never reach has no upper end: percentiles treat "not reached" as infinitely long.
        filled = values.isel(resample=slice(1, None))
        filled = filled.fillna(np.inf) if name in LEVELS else filled
        for end, level in (("low", tail), ("high", 100 - tail)):
            bound = xr.apply_ufunc(
                lambda array, q: np.percentile(array, q, axis=-1, method="nearest"),
                filled,
                input_core_dims=[["resample"]],
                kwargs={"q": level},
            )
            label = f"{end} end of the {CONFIDENCE:.0%} bootstrap interval: {attrs.get('long_name', name)}"
            pooled[f"{name}_{end}"] = bound.assign_attrs(attrs | {"long_name": label})
    count = np.full(pooled.sizes["waiting_time"], alive.sum())
    pooled["n_networks"] = described(count, ("waiting_time",), "number of networks averaged")
    pooled["n_diverged"] = described(
        int((pooled["diverged_at"] >= 0).sum()), (), "number of networks that were lost to divergence"
    )
    return pooled


def resampling_weights(alive: np.ndarray) -> np.ndarray:
    """Weight of every network in the mean (row 0) and in each bootstrap resample; float64 (1 + RESAMPLES, network)."""
    kept = np.flatnonzero(alive)
    table = np.zeros((1 + RESAMPLES, len(alive)))
    if not kept.size:
        return np.full_like(table, np.nan)
    table[0, kept] = 1 / kept.size
    # Raw words of a keyed counter generator, whose values NumPy keeps for ever; the bias of the remainder is below 2^-50.
    words = np.random.Philox(key=BOOTSTRAP_KEY).random_raw(RESAMPLES * kept.size)
    draws = (words % np.uint64(kept.size)).astype(np.int64)
    for row, draw in zip(table[1:], draws.reshape(RESAMPLES, kept.size), strict=True):
        row[kept] = np.bincount(draw, minlength=kept.size) / kept.size
    return table


def _resampled(values: xr.DataArray, weights: np.ndarray) -> xr.DataArray:
    """Weighted means over networks, (resample, ...); a network of weight 0 does not count even where it is NaN."""
    table = xr.DataArray(weights, dims=("resample", "network"))
    used = (weights != 0).any(axis=0)  # NaN where no network is left: so is its mean, not an empty sum
    kept = values.isel(network=used)
    # einsum in network order, one thread: the same bits whatever the chunks were.
    return xr.apply_ufunc(
        lambda w, v: np.einsum("rn,n...->r...", w, v),
        table.isel(network=used),
        kept.transpose("network", ...),
        input_core_dims=[["resample", "network"], ["network", *[d for d in values.dims if d != "network"]]],
        output_core_dims=[["resample", *[d for d in values.dims if d != "network"]]],
    )
