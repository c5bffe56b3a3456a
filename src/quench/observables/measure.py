"""From snapshots to the observables of every network: the ``observables`` contract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.observables.displacement import MOTILITY_EDGES, alpha2, moment, motility
from quench.observables.overlap import check_resolution, overlap
from quench.observables.relaxation import LEVELS, crossing_time, longest_lag

KWJ = "Kerr Winter & Janssen 2024"


def measure(
    snapshots: xr.Dataset,
    waiting_times: Sequence[int],
    *,
    chi: float,
    lags: Sequence[int] | None = None,
    motility_lags: Sequence[int] = (),
    include_output_layer: bool = True,
) -> xr.Dataset:
    """Overlap, displacement, non-Gaussianity, relaxation times and motility of every network in ``snapshots``.

    ``waiting_times`` must be snapshot times. ``lags`` defaults to every difference of a snapshot time and a waiting
    time; a pair (t_w, lag) that was not recorded is NaN. epsilon = sigma/chi per network (KWJ Eq. 14), sigma being the
    file's own (the standard deviation at the end of training) or else that of its last snapshot.
    Raises ``QuenchError`` for a waiting time off the schedule and for a chi whose epsilon is below float resolution.
    """
    weights = snapshots["weights"]
    if not include_output_layer:
        if "layer" not in snapshots.coords:
            raise QuenchError("include_output_layer: the snapshots have no coordinate 'layer'")
        weights = weights.isel(weight=(snapshots["layer"] < snapshots["layer"].max()).values)
    times = snapshots["time"].values.astype(np.int64)
    waiting_times = sorted({int(t) for t in waiting_times})
    for waiting_time in waiting_times:
        if waiting_time not in times:
            close = times[np.abs(times - waiting_time).argmin()]
            raise QuenchError(f"t_w = {waiting_time} is not among the {len(times)} snapshot times (nearest: {close})")
    if lags is None:
        lags = np.unique(np.concatenate([times[times >= t] - t for t in waiting_times]))
    lags = np.asarray(lags, dtype=np.int64)

    sigma = snapshots["sigma"] if "sigma" in snapshots else weights.isel(time=-1).astype(np.float64).std("weight")
    epsilon = sigma / chi
    alive = np.isfinite(sigma).values
    if alive.any():
        try:
            check_resolution(weights.isel(time=-1, network=alive).fillna(0), epsilon.isel(network=alive))
        except ValueError as error:
            raise QuenchError(f"chi = {chi:g}: {error}") from None

    blocks = [_after(weights, times, t, lags, epsilon) for t in waiting_times]
    result = xr.concat(blocks, xr.Variable("waiting_time", np.array(waiting_times, dtype=np.int64)))
    result = result.transpose("network", "waiting_time", "lag")
    result["alpha2"] = alpha2(result["msd"], result["fourth_moment"])
    for name, level in LEVELS.items():
        result[name] = crossing_time(result["overlap"], level)
    result["longest_lag"] = longest_lag(result["overlap"])
    result["sigma"], result["epsilon"] = sigma, epsilon
    result["n_weights"] = xr.DataArray(weights.sizes["weight"])
    chosen = _motility_lags(motility_lags, lags)
    result["motility"] = xr.concat(
        [_histograms(weights, times, t, chosen) for t in waiting_times], dim=result["waiting_time"].variable
    ).transpose("network", "waiting_time", "motility_lag", "motility_bin")
    # Sizes of the reference weights: what an equal harmonic well would do with them (KWJ App. G) follows from these.
    sizes = [
        motility(weights.sel(time=t, drop=True), xr.zeros_like(weights.sel(time=t, drop=True))) for t in waiting_times
    ]
    result["weight_sizes"] = xr.concat(sizes, dim=result["waiting_time"].variable).transpose("network", ...)
    result = result.assign_coords(
        seed=snapshots["seed"], diverged_at=snapshots["diverged_at"], motility_edge=("motility_edge", MOTILITY_EDGES)
    )
    result = result.drop_vars("time", errors="ignore")
    # The loss along the way travels with the curves: figures are drawn from observables alone.
    for name in ("loss", "data_loss", "active_fraction"):
        if name in snapshots:
            result[name] = snapshots[name]
    return _documented(result)


def _after(weights: xr.DataArray, times: np.ndarray, start: int, lags: np.ndarray, epsilon: xr.DataArray) -> xr.Dataset:
    """Curves against lag from one waiting time; NaN at lags that were not recorded."""
    recorded = lags[np.isin(start + lags, times)]
    later = weights.sel(time=start + recorded).rename(time="lag").assign_coords(lag=recorded)
    reference = weights.sel(time=start, drop=True)
    curves = xr.Dataset(
        {
            "overlap": _overlap(later, reference, epsilon),
            "msd": moment(later, reference, 2),
            "fourth_moment": moment(later, reference, 4),
        }
    )
    return curves.reindex(lag=lags).drop_vars("layer", errors="ignore")


def _overlap(later: xr.DataArray, reference: xr.DataArray, epsilon: xr.DataArray) -> xr.DataArray:
    # Lost networks have no length of their own; any positive one gives them the NaN that they should have.
    return overlap(later, reference, epsilon.fillna(np.inf))


def _motility_lags(asked: Sequence[int], lags: np.ndarray) -> np.ndarray:
    """The measured lags closest to the asked ones, or to one a decade and the longest."""
    positive = lags[lags > 0]
    if not positive.size:
        return positive
    goals = asked or [10**k for k in range(int(np.log10(positive[-1])) + 1)] + [int(positive[-1])]
    return np.unique([positive[np.abs(np.log(positive / goal)).argmin()] for goal in goals])


def _histograms(weights: xr.DataArray, times: np.ndarray, start: int, lags: np.ndarray) -> xr.DataArray:
    """Motility counts at the chosen lags; -1 where the lag was not recorded."""
    recorded = lags[np.isin(start + lags, times)]
    later = weights.sel(time=start + recorded).rename(time="motility_lag").assign_coords(motility_lag=recorded)
    counts = motility(later, weights.sel(time=start, drop=True))
    return counts.reindex(motility_lag=lags, fill_value=-1)


def _documented(result: xr.Dataset) -> xr.Dataset:
    """Attributes of every variable, in one place."""
    text = {
        "overlap": ("overlap Q(t, t_w)", "1", f"{KWJ}, Eq. 4"),
        "msd": ("mean square displacement", "1", f"{KWJ}, Eq. 7"),
        "fourth_moment": ("fourth moment of the displacement", "1", f"{KWJ}, Eq. 9"),
        "alpha2": ("non-Gaussian parameter", "1", f"{KWJ}, Eq. 9"),
        "tau90": ("time at which the overlap has fallen to 0.9; NaN: not reached", "updates", f"{KWJ}, Sec. III.2"),
        "tau_e": ("time at which the overlap has fallen to 1/e; NaN: not reached", "updates", f"{KWJ}, App. E"),
        "longest_lag": ("longest lag measured; a censored time lies beyond", "updates", ""),
        "sigma": ("standard deviation of the weights at the end of training", "1", f"{KWJ}, Eq. 14"),
        "epsilon": ("overlap length sigma/chi", "1", f"{KWJ}, Eq. 14"),
        "n_weights": ("number of weights", "1", ""),
        "motility": ("weights per bin of log10 |dw|; -1: not measured", "1", f"{KWJ}, Fig. 7"),
        "weight_sizes": ("weights per bin of log10 |w(t_w)|", "1", f"{KWJ}, App. G"),
        "motility_edge": ("edges of the motility bins, log10 |dw|", "1", ""),
        "waiting_time": ("waiting time t_w", "updates", ""),
        "lag": ("lag t", "updates", ""),
        "motility_lag": ("lag of the motility histogram", "updates", ""),
    }
    for name, (long_name, units, references) in text.items():
        result[name].attrs = {
            "long_name": long_name,
            "units": units,
            **({"references": references} if references else {}),
        }
    return result
