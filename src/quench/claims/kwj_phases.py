"""Quantities of KWJ Fig. 1 and A3: the phase diagram and its two transitions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, quantity, stored
from quench.estimators import transitions

STUCK = (0.3, 0.45)


@quantity
def regions(numbers: xr.Dataset) -> Measured:
    """Number of phases in the map: trivial loss, non-trivial at lambda > 0, not fitted and fitted at lambda = 0."""
    loss, strength = numbers["map_loss"].values, numbers["map_strength"].values
    trivial = transitions.trivial(loss)
    line = loss[strength == 0]
    found = [
        trivial[strength > 0].any(),
        (~trivial[strength > 0]).any(),
        (line > 10 * transitions.FITTED).any(),
        (line < transitions.FITTED).any(),
    ]
    return Measured(float(sum(found)), n_networks=int(numbers["map_networks"]))


@quantity
def fitting_threshold(numbers: xr.Dataset) -> Measured:
    """N*/P_D on the line lambda = 0."""
    return _counted(stored(numbers, "uot_threshold"), numbers.sizes["uot_network"])


@quantity
def final_loss(numbers: xr.Dataset) -> Measured:
    """Median final loss of the largest networks at lambda = 0."""
    return Measured(float(numbers["uot_median"][-1]), n_networks=numbers.sizes["uot_network"])


@quantity
def scatter_at_threshold(numbers: xr.Dataset) -> Measured:
    """Decades between the 10 % and 90 % quantiles of the final losses at the N/P_D nearest to N*/P_D."""
    ratio = numbers["uot_ratio"].values
    row = np.abs(np.log(ratio / float(numbers["uot_threshold"]))).argmin()
    loss = numbers["uot_loss"].values[row]
    low, high = np.quantile(np.log10(np.maximum(loss[np.isfinite(loss)], 1e-16)), [0.1, 0.9])
    return Measured(float(high - low), n_networks=numbers.sizes["uot_network"])


@quantity
def regularised_floor(numbers: xr.Dataset) -> Measured:
    """Median total loss of the widest networks at the smallest lambda > 0 over that at lambda = 0."""
    loss = numbers["map_loss"].values[:, -1]
    return Measured(float(loss[1] / max(loss[0], 1e-16)), n_networks=int(numbers["map_networks"]))


@quantity
def trivialisation_threshold(numbers: xr.Dataset) -> Measured:
    """Median of the single networks' lambda*."""
    return _counted(stored(numbers, "ttt_threshold"), numbers.sizes["ttt_network"])


@quantity
def threshold_scatter(numbers: xr.Dataset) -> Measured:
    """Standard deviation of the single networks' lambda* over their median."""
    values = numbers["ttt_thresholds"].values
    values = values[np.isfinite(values)]
    return Measured(float(values.std(ddof=1) / np.median(values)), n_networks=len(values))


@quantity
def sharpness(numbers: xr.Dataset) -> Measured:
    """Median over networks of the largest rise between neighbouring lambda, over that of the mean curve."""
    single = np.nanmedian(numbers["ttt_rise"].values)
    return Measured(float(single / float(numbers["ttt_mean_rise"])), n_networks=numbers.sizes["ttt_network"])


@quantity
def stuck_share(numbers: xr.Dataset) -> Measured:
    """Share of networks with a final loss between 0.3 and 0.45 at any lambda: the long-lived minimum of high loss."""
    loss = numbers["ttt_loss"].values
    share = ((loss > STUCK[0]) & (loss < STUCK[1])).any(axis=0).mean()
    return Measured(float(share), n_networks=loss.shape[1])


@quantity
def trivial_norm(numbers: xr.Dataset) -> Measured:
    """Largest |W|^2 among the networks at the largest lambda."""
    return Measured(float(np.nanmax(numbers["ttt_norm"].values[-1])), n_networks=numbers.sizes["ttt_network"])


@quantity
def threshold_range(numbers: xr.Dataset) -> Measured:
    """Largest over smallest lambda* among the widths of the map."""
    values = numbers["map_threshold"].values
    return Measured(float(np.nanmax(values) / np.nanmin(values)), n_networks=int(numbers["map_networks"]))


def _counted(measured: Measured, count: int) -> Measured:
    return Measured(measured.value, measured.low, measured.high, count, measured.reason)
