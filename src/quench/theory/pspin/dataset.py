"""A quench, solved and written as the ``glass`` contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from quench.errors import QuenchError
from quench.store.variables import described
from quench.theory.pspin.model import Model
from quench.theory.pspin.solve import MARGIN, Estimated, Quench, solve
from quench.theory.pspin.times import Times

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SOURCE = "Cugliandolo & Kurchan, Phys. Rev. Lett. 71, 173 (1993); Baity-Jesi et al. 2018, Fig. 1"
# A displacement below this many errors of C has no digits.
DIGITS = 10


def solved_glass(model: Model, times: Times, *, resolution: str = "standard", accuracy: float = 1e-5) -> xr.Dataset:
    """Solve the quench of ``model``: ``solve``, and ``glass`` at ``times``."""
    quench = solve(model, times.t_max, resolution=resolution)
    return glass(quench, times.times, times.waiting_times, times.lags, accuracy)


def glass(
    quench: Quench, times: ArrayLike, waiting_times: ArrayLike, lags: ArrayLike, accuracy: float = 1e-5
) -> xr.Dataset:
    """E, mu at ``times``; C, R, chi, Delta = 2 (1 - C) at all ``waiting_times`` and ``lags``.

    Each has its estimated absolute error (``..._error``). Attributes: ``reach``, the latest time up to which the solution
    exists and no estimated error of E, C, R and chi exceeds ``accuracy``; ``end``, why it ends there, empty at t_max. All
    numbers beyond it are missing (NaN), and Delta where it has no digits. Raises ``QuenchError`` if nothing is left.
    """
    times, waiting_times, lags = (np.asarray(axis, float) for axis in (times, waiting_times, lags))
    waiting_time, lag = np.broadcast_arrays(waiting_times[:, None], lags)
    pairs = waiting_time + lag
    energy, mu = (_solved(times <= quench.t_max, function, times) for function in (quench.energy, quench.mu))
    correlation, response, susceptibility = _solved(pairs <= quench.t_max, quench.two_time, waiting_time, lag)
    checked = {"E": (times, energy), "C": (pairs, correlation), "R": (pairs, response), "chi": (pairs, susceptibility)}
    reach, end = _reach(quench, checked, accuracy)
    energy, mu = (_within(result, times <= reach) for result in (energy, mu))
    correlation, response, susceptibility = (
        _within(result, pairs <= reach) for result in (correlation, response, susceptibility)
    )
    moved = 1.0 - correlation.value
    displacement = Estimated(
        np.where((lag > 0) & (moved < DIGITS * correlation.error), np.nan, 2.0 * moved), 2.0 * correlation.error
    )
    pair = ("waiting_time", "lag")
    variables = {
        **_described("energy", energy, ("time",), "energy per spin", "coupling"),
        **_described("mu", mu, ("time",), "Lagrange multiplier of the spherical constraint", "1/time"),
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
    return xr.Dataset(variables, coordinates, {"reach": reach, "end": end})


def _solved(known: Mask, function: Callable[..., Any], *arguments: Array) -> Any:
    """The results of ``function`` where ``known``, and NaN elsewhere."""

    def table(values: Array) -> Array:
        filled = np.full(known.shape, np.nan)
        filled[known] = values
        return filled

    found = function(*(argument[known] for argument in arguments))
    if isinstance(found, Estimated):
        return Estimated(*map(table, found))
    return tuple(Estimated(*map(table, result)) for result in found)


def _reach(quench: Quench, checked: dict[str, tuple[Array, Estimated]], accuracy: float) -> tuple[float, str]:
    """The latest time up to which everything is solved to ``accuracy``, and why it is not later."""
    requested = np.concatenate([times.ravel() for times, _ in checked.values()])
    reach, end = quench.t_max, quench.failure
    for name, (times, result) in checked.items():
        failing = times[result.error > accuracy]
        if failing.size and failing.min() <= reach:
            first = failing.min()
            worst = result.error[times == first].max()
            reach = max((time for time in requested if time < first), default=-1.0)
            end = f"estimated error of {name} is {worst:.1e} at t = {first:.4g}, above the accuracy of {accuracy:g}"
    if reach < min((time for time in requested if time > 0), default=0.0):
        raise QuenchError(f"{quench.model}: {end}, before or at the first requested time; use a finer resolution")
    return reach, end


def _within(result: Estimated, kept: Mask) -> Estimated:
    return Estimated(*(np.where(kept, values, np.nan) for values in result))


def _described(name: str, result: Estimated, dims: tuple[str, ...], long_name: str, units: str = "1") -> dict[str, Any]:
    """A result and its error as variables."""
    how = f"{MARGIN:g} times the largest difference of two solutions of different resolution nearby"
    return {
        name: described(result.value, dims, long_name, units, references=SOURCE),
        f"{name}_error": described(result.error, dims, f"estimated absolute error of {name}", units, comment=how),
    }
