"""Averages over networks of one state, with their intervals and the number of networks behind every value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from quench.networks import state
from quench.numerics import intervals
from quench.observables import derived
from quench.observables.table import Observable
from quench.store.variables import described


def average(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Pool the observables of all networks in ``parts`` (chunks of one ensemble) and add their averages.

    Averaged are the networks that did not diverge and are in the state of most of them (``quench.networks.state``):
    ``averaged`` (network) is 1 for these. For every observable that has an average: ``<name>_mean`` without the dimension
    network, and ``<name>_low`` and ``<name>_high``, the ends of its 95 % interval over networks, the unit of independence
    (``quench.numerics.intervals.jackknife``; for a mean, Student's); ``<name>_apart``, the same mean over the networks of
    other states, where there are some. A derived observable is computed from the averages of its tables: alpha2 is the
    ratio of averaged moments (KWJ Eq. 9), a mean relaxation time the crossing of the mean overlap. ``n_networks``
    (waiting_time) counts the networks averaged, ``n_apart`` those of other states, ``n_diverged`` those that diverged.
    """
    pooled = xr.concat(parts, "network", data_vars="minimal", coords="minimal", compat="equals", join="exact")
    pooled = pooled.sortby("seed")
    if "state" not in pooled:
        pooled = pooled.assign_coords(state=state.variable(np.zeros(pooled.sizes["network"])))
    alive, ordinary = (pooled["diverged_at"] < 0).values, state.of_main_state(pooled)
    chosen, apart = alive & ordinary, alive & ~ordinary
    means, others = _means(pooled, chosen), _means(pooled, apart)
    for one in derived.observables():
        if not (one.averaged and one.name in pooled):
            continue
        attrs, values = pooled[one.name].attrs, _of(one, means)
        low, high = xr.apply_ufunc(
            lambda v, one=one: intervals.jackknife(np.moveaxis(v, -1, 0), one.scale),
            values,
            input_core_dims=[["left_out"]],
            output_core_dims=[[], []],
        )
        pooled[f"{one.name}_mean"] = values.isel(left_out=0, drop=True).assign_attrs(attrs)
        for end, bound in (("low", low), ("high", high)):
            label = f"{end} end of the {intervals.CONFIDENCE:.0%} interval over networks: {one.long_name}"
            pooled[f"{one.name}_{end}"] = bound.assign_attrs(attrs | {"long_name": label})
        if apart.any():
            label = f"{one.long_name}, mean over the networks in another state"
            pooled[f"{one.name}_apart"] = (
                _of(one, others).isel(left_out=0, drop=True).assign_attrs(attrs | {"long_name": label})
            )
    pooled["averaged"] = described(chosen.astype(np.int8), ("network",), "1 for networks that the averages include")
    count = np.full(pooled.sizes["waiting_time"], chosen.sum())
    pooled["n_networks"] = described(count, ("waiting_time",), "number of networks averaged")
    pooled["n_apart"] = described(int(apart.sum()), (), "number of networks in another state than these")
    pooled["n_diverged"] = described(int((~alive).sum()), (), "number of networks that were lost to divergence")
    return pooled


def _means(pooled: xr.Dataset, chosen: np.ndarray) -> dict[str, xr.DataArray]:
    """Means of the measured tables over the ``chosen`` networks and over all but one of them: (left_out, ...).

    NaN where no network is chosen.
    """
    averaged = [one for one in derived.observables() if one.averaged and one.name in pooled]
    needed = {name for one in averaged for name in one.of or (one.name,)}
    weights = intervals.without_each(int(chosen.sum())) if chosen.any() else np.full((1, 0), np.nan)
    table = xr.DataArray(weights, dims=("left_out", "network"))
    means = {}
    for name in needed:
        kept = pooled[name].isel(network=chosen).transpose("network", ...)
        rest = [dim for dim in kept.dims if dim != "network"]
        # einsum in network order, one thread: the same bits whatever the chunks were.
        means[name] = xr.apply_ufunc(
            lambda w, v: np.einsum("ln,n...->l...", w, v) if len(v) else np.full((1, *v.shape[1:]), np.nan),
            table,
            kept,
            input_core_dims=[["left_out", "network"], ["network", *rest]],
            output_core_dims=[["left_out", *rest]],
        )
    return means


def _of(one: Observable, means: dict[str, xr.DataArray]) -> xr.DataArray:
    values: xr.DataArray = one.function(*(means[name] for name in one.of)) if one.of else means[one.name]
    return values
