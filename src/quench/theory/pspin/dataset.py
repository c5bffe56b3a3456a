"""A quench, solved and written as the ``glass`` contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from quench.store.variables import described
from quench.theory.pspin.solve import MARGIN, Estimated, Quench, solve
from quench.theory.pspin.times import Times

SOURCE = "Cugliandolo & Kurchan, Phys. Rev. Lett. 71, 173 (1993); Baity-Jesi et al. 2018, Fig. 1"


def solved_glass(
    p: int, temperature: float, times: Times, *, resolution: str = "standard", accuracy: float = 1e-5
) -> xr.Dataset:
    """Solve the quench of the spherical ``p``-spin glass to ``temperature``: ``solve`` and ``glass`` at ``times``."""
    # The matrices are too small for threads, and the last bits must not depend on the number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        quench = solve(p, temperature, times.t_max, resolution=resolution, accuracy=accuracy)
        return glass(quench, times.times, times.waiting_times, times.lags)


def glass(quench: Quench, times: ArrayLike, waiting_times: ArrayLike, lags: ArrayLike) -> xr.Dataset:
    """E, mu at ``times``; C, R, chi, Delta = 2 (1 - C) at all ``waiting_times`` and ``lags`` with t_w + lag <= t_max.

    Each has its estimated absolute error (``..._error``). Pairs beyond t_max were not solved and are missing (NaN).
    Raises ``ValueError`` where a single time exceeds t_max, ``QuenchError`` where the accuracy is not reached.
    """
    times, waiting_times, lags = (np.asarray(axis, float) for axis in (times, waiting_times, lags))
    if max((axis.max() for axis in (times, waiting_times, lags) if axis.size), default=0.0) > quench.t_max:
        raise ValueError(f"times, waiting times and lags must not exceed t_max = {quench.t_max:g}")
    waiting_time, lag = np.broadcast_arrays(waiting_times[:, None], lags)
    solved = waiting_time + lag <= quench.t_max

    def table(values: np.ndarray) -> np.ndarray:
        filled = np.full(solved.shape, np.nan)
        filled[solved] = values
        return filled

    correlation, response, susceptibility = (
        Estimated(table(result.value), table(result.error))
        for result in quench.two_time(waiting_time[solved], lag[solved])
    )
    displacement = Estimated(2.0 * (1.0 - correlation.value), 2.0 * correlation.error)
    pair = ("waiting_time", "lag")
    variables = {
        **_described("energy", quench.energy(times), ("time",), "energy per spin", "coupling"),
        **_described("mu", quench.mu(times), ("time",), "Lagrange multiplier of the spherical constraint", "1/time"),
        **_described("correlation", correlation, pair, "correlation C(t_w + t, t_w)"),
        **_described("response", response, pair, "response R(t_w + t, t_w)", "1/time"),
        **_described("susceptibility", susceptibility, pair, "integrated response chi(t_w + t, t_w)", "1/coupling"),
        **_described("displacement", displacement, pair, "mean square displacement 2 (1 - C)"),
    }
    coordinates = {
        "time": described(times, ("time",), "time since the quench", "1/friction"),
        "waiting_time": described(waiting_times, ("waiting_time",), "waiting time t_w since the quench", "1/friction"),
        "lag": described(lags, ("lag",), "time t since the waiting time", "1/friction"),
    }
    return xr.Dataset(variables, coordinates)


def _described(name: str, result: Estimated, dims: tuple[str, ...], long_name: str, units: str = "1") -> dict[str, Any]:
    """A result and its error as variables."""
    how = f"{MARGIN:g} times the largest difference of two solutions of different resolution nearby"
    return {
        name: described(result.value, dims, long_name, units, references=SOURCE),
        f"{name}_error": described(result.error, dims, f"estimated absolute error of {name}", units, comment=how),
    }
