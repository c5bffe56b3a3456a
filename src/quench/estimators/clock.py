"""Observables in the time of a learning-rate schedule, s(u) = integral of eta from 0 to u, over the largest eta.

With a learning rate that rises or falls, a lag of so many updates is a different distance along the gradient at every age.
In units of the schedule, s counts updates at its largest rate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from quench.errors import QuenchError

Floats = NDArray[np.float64]


def read_rates(path: Path) -> tuple[Floats, Floats]:
    """Updates and learning rates from the two columns of a text file; between its rows the rate is linear.

    Raises ``QuenchError`` where the file is anything else.
    """
    try:
        text = path.read_text(encoding="utf-8").replace(",", " ")
        rows = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        table = np.array(rows, dtype=float)
    except (OSError, ValueError) as error:
        raise QuenchError(f"{path}: not a table of updates and learning rates ({error})") from None
    if table.ndim != 2 or table.shape[1] != 2:
        raise QuenchError(f"{path}: two columns are needed, updates and learning rates")
    updates, rates = table.T
    if not np.isfinite(table).all() or (np.diff(updates) <= 0).any() or (rates < 0).any() or rates.max() <= 0:
        raise QuenchError(
            f"{path}: increasing updates and learning rates >= 0 are needed, at least one of them above 0"
        )
    return updates, rates


def integrated(at: ArrayLike, updates: Floats, rates: Floats) -> Floats:
    """s at the updates ``at``; the rate is constant before the first and after the last of ``updates``."""
    points = np.asarray(at, float)
    knots = np.unique(np.concatenate([[0.0], updates, points[np.isfinite(points)].ravel()]))
    eta = np.interp(knots, updates, rates) / rates.max()
    sums = np.concatenate([[0.0], np.cumsum(np.diff(knots) * (eta[1:] + eta[:-1]) / 2)])
    sums -= np.interp(0.0, knots, sums)
    return np.where(np.isfinite(points), np.interp(points, knots, sums), points)


def rescaled(run: xr.Dataset, updates: Floats, rates: Floats) -> xr.Dataset:
    """The observables ``run`` with t_w, lags and times in the time of the schedule.

    Curves are interpolated in log t to one grid of lags for all waiting times, with as many lags as before; NaN outside
    the recorded ones.
    """
    ages, lags = run["waiting_time"].values, run["lag"].values
    start = integrated(ages, updates, rates)
    own = integrated(ages[:, None] + lags, updates, rates) - start[:, None]
    positive = own[own > 0]
    if not positive.size:
        raise QuenchError("the learning rate is 0 at all recorded times")
    grid = np.concatenate([[0.0], np.geomspace(positive.min(), positive.max(), len(lags) - 1)])
    found = {}
    for name, values in run.data_vars.items():
        if "lag" in values.dims:
            ordered = values.transpose(..., "waiting_time", "lag")
            table = np.stack([_moved(ordered.values[..., row, :], own[row], grid) for row in range(len(ages))], axis=-2)
            found[name] = (ordered.dims, table)
        elif str(name).startswith("tau") or name == "longest_lag":
            ordered = values.transpose(..., "waiting_time")
            found[name] = (ordered.dims, integrated(ages + ordered.values, updates, rates) - start)
        elif "waiting_time" not in values.dims or name == "n_networks":
            found[name] = (values.dims, values.values)
    kept = {name: one.variable for name, one in run.coords.items() if not {"lag", "waiting_time"} & set(one.dims)}
    return xr.Dataset(found, coords=kept | {"waiting_time": start, "lag": grid}, attrs=run.attrs)


def _moved(curves: Floats, old: Floats, new: Floats) -> Floats:
    """``curves`` (..., lag) from the lags ``old`` to ``new``, linearly in log t; at lag 0 as they are."""
    kept = old > 0
    moved = np.full((*curves.shape[:-1], len(new)), np.nan)
    moved[..., 0] = curves[..., 0]
    for place in np.ndindex(curves.shape[:-1]):
        known = kept & np.isfinite(curves[place])
        if known.any():
            x = np.log(old[known])
            moved[(*place, slice(1, None))] = np.interp(np.log(new[1:]), x, curves[place][known], np.nan, np.nan)
    return moved
