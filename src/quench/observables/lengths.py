"""Overlap lengths epsilon = sigma / chi at which a trajectory resolves its relaxation times.

Gaussian displacements of mean square Delta have the overlap Q = erf(epsilon / sqrt(2 Delta)), so that Q = 0.9 where
epsilon = 1.645 sqrt(Delta): the displacements say at which lengths tau90 is within the recorded lags.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import special

# Within fewer updates weights follow the noise of single batches.
RESOLVED = 10
# epsilon / sqrt(Delta) at Q = 0.9.
RATIO = float(np.sqrt(2) * special.erfinv(0.9))


class Lengths(NamedTuple):
    """chi from ``low`` to ``high`` at which tau90 is resolved at every t_w from ``first`` on; NaN where there is none."""

    low: float
    high: float
    first: float

    @property
    def middle(self) -> float:
        """Geometric middle, in two digits."""
        return float(f"{np.sqrt(self.low * self.high):.2g}")


def mean_sigma(observables: xr.Dataset) -> float:
    """Mean standard deviation of the weights of networks that did not diverge; NaN in files of others that lack it."""
    if "sigma" not in observables or observables["sigma"].dtype.kind != "f":
        return np.nan
    sigma = observables["sigma"]
    return float(
        (sigma.where(observables["diverged_at"] < 0) if "diverged_at" in observables.variables else sigma).mean()
    )


def resolved_lengths(msd: xr.DataArray, sigma: float) -> Lengths:
    """Lengths at which tau90 is at least ten updates and at most the longest lag, from ``msd`` (waiting_time, lag).

    The youngest waiting times are left out as far as needed; at least two remain.
    """
    curves = msd.transpose("waiting_time", "lag").values
    lags, ages = msd["lag"].values, msd["waiting_time"].values
    early = np.nan_to_num(curves[:, np.searchsorted(lags, RESOLVED, side="left").clip(max=len(lags) - 1)])
    late = np.where(np.isfinite(curves), curves, 0.0).max(axis=1)
    for first in range(max(len(ages) - 1, 1)):
        shortest, longest = RATIO * np.sqrt(early[first:].max()), RATIO * np.sqrt(late[first:].min())
        if 0 < shortest < longest:
            return Lengths(sigma / longest, sigma / shortest, float(ages[first]))
    return Lengths(np.nan, np.nan, np.nan)
