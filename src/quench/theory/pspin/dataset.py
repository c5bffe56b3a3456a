"""A solved quench as a dataset that follows the ``glass`` contract."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.theory.pspin.solve import Quench

REFERENCE = "Cugliandolo & Kurchan, Phys. Rev. Lett. 71, 173 (1993)"


def glass(quench: Quench, times: np.ndarray, waiting_times: np.ndarray, lags: np.ndarray) -> xr.Dataset:
    """E and mu at ``times``; C, R and Delta = 2 (1 - C) at all ``waiting_times`` and ``lags`` with t_w + lag <= t_max.

    Each has its estimated absolute error beside it (``..._error``). Pairs beyond t_max were not solved for and are
    missing (NaN). Raises ``ValueError`` where a single time exceeds t_max, ``QuenchError`` where the accuracy is not
    reached.
    """
    times, waiting_times, lags = (np.asarray(axis, float) for axis in (times, waiting_times, lags))
    if max((axis.max() for axis in (times, waiting_times, lags) if axis.size), default=0.0) > quench.t_max:
        raise ValueError(f"times, waiting times and lags must not exceed t_max = {quench.t_max:g}")
    waiting_time, lag = np.broadcast_arrays(waiting_times[:, None], lags)
    solved = waiting_time + lag <= quench.t_max
    correlation, response = quench.two_time(waiting_time[solved], lag[solved])

    def pairs(values: np.ndarray) -> np.ndarray:
        table = np.full(solved.shape, np.nan)
        table[solved] = values
        return table

    energy, mu = quench.energy(times), quench.mu(times)
    time, pair = ("time",), ("waiting_time", "lag")
    variables = {
        "energy": (time, energy.value, energy.error, "energy per spin", "coupling"),
        "mu": (time, mu.value, mu.error, "Lagrange multiplier of the spherical constraint", "1/time"),
        "correlation": (pair, pairs(correlation.value), pairs(correlation.error), "correlation C(t_w + t, t_w)", "1"),
        "response": (pair, pairs(response.value), pairs(response.error), "response R(t_w + t, t_w)", "1/time"),
        "displacement": (
            pair,
            pairs(2.0 * (1.0 - correlation.value)),
            pairs(2.0 * correlation.error),
            "mean-square displacement Delta = 2 (1 - C)",
            "1",
        ),
    }
    dataset = xr.Dataset(
        coords={
            "time": (time, times, {"long_name": "time since the quench", "units": "inverse friction"}),
            "waiting_time": (
                ("waiting_time",),
                waiting_times,
                {"long_name": "waiting time t_w", "units": "inverse friction"},
            ),
            "lag": (("lag",), lags, {"long_name": "lag t", "units": "inverse friction"}),
        }
    )
    for name, (dims, value, error, long_name, units) in variables.items():
        dataset[name] = (dims, value, {"long_name": long_name, "units": units, "references": REFERENCE})
        dataset[f"{name}_error"] = (
            dims,
            error,
            {
                "long_name": f"estimated absolute error of the {long_name.split('(')[0].split(' C')[0].strip()}",
                "units": units,
                "comment": "from the difference of two solutions of different resolution",
            },
        )
    return dataset.assign_attrs(p=quench.model.p, temperature=quench.model.temperature)
