"""Shares of the start and of the noise in what a trajectory does, from replicas (the isoconfigurational ensemble)."""

from __future__ import annotations

import xarray as xr


def propensity(overlap: xr.DataArray, pair_overlap: xr.DataArray) -> xr.DataArray:
    """Share of the mobility that is fixed by the start, P = (<p_i^2> - Q^2)/(Q - Q^2) (after Widmer-Cooper et al. 2004).

    p_i is the chance of weight i to be within epsilon, Q = <p_i> the ``overlap`` and <p_i^2> the ``pair_overlap``. P is the
    variance of the chances over that of a single outcome: 0 where all weights have the same chance, 1 where each has 0 or 1.
    """
    return (pair_overlap - overlap**2) / _positive(overlap - overlap**2)


def correlated_weights(overlap: xr.DataArray, pair_overlap: xr.DataArray, chi4: xr.DataArray) -> xr.DataArray:
    """Number of weights that move together, n_c = chi4/(Q - <p_i^2>), chi4 being N Var_r(q_r) over replicas.

    The denominator is what independent weights have whatever their chances, so that n_c is 1 for them; NaN where nothing is
    left to chance.
    """
    return chi4 / _positive(overlap - pair_overlap)


def _positive(values: xr.DataArray) -> xr.DataArray:
    return values.where(values > 1e-12)
