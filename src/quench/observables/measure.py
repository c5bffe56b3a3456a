"""From snapshots, or from what was measured while training, to the observables of every network (the contract)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.observables.displacement import MOTILITY_EDGES, alpha2
from quench.observables.overlap import check_resolution
from quench.observables.pairs import Pairs, chosen_lags
from quench.observables.relaxation import LEVELS, crossing_time, longest_lag

KWJ = "Kerr Winter & Janssen 2024"

# What a pair (t_w, lag) is measured by, and its dimensions.
CURVES = dict.fromkeys(("overlap", "msd", "fourth_moment"), ("network", "waiting_time", "lag"))
HISTOGRAM = ("network", "waiting_time", "motility_lag", "motility_bin")
SIZES = ("network", "waiting_time", "motility_bin")


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
        lags = np.concatenate([times[times >= t] - t for t in waiting_times])
    lags = np.unique(np.asarray(lags, dtype=np.int64))

    # A lost network may have weights of any size.
    with np.errstate(over="ignore", invalid="ignore"):
        sigma = snapshots["sigma"] if "sigma" in snapshots else weights.isel(time=-1).astype(np.float64).std("weight")
    pairs = Pairs(waiting_times, lags, chosen_lags(motility_lags, lags), (sigma / chi).values[None])
    for time, configuration in zip(times.tolist(), weights.transpose("time", "network", "weight").values, strict=True):
        pairs.see(time, configuration)
    tables = {
        name: (dims, getattr(pairs, name)[0] if name == "overlap" else getattr(pairs, name))
        for name, dims in CURVES.items()
    }
    measured = xr.Dataset(
        {
            **tables,
            "motility": (HISTOGRAM, pairs.motility),
            "weight_sizes": (SIZES, pairs.weight_sizes),
            "largest": ("network", pairs.largest),
            "sigma": ("network", sigma.values),
            "n_weights": ((), weights.sizes["weight"]),
        },
        coords={"waiting_time": pairs.waiting_times, "lag": pairs.lags, "motility_lag": pairs.motility_lags},
    )
    return _derived(measured, snapshots, chi, weights.dtype)


def measure_streamed(
    streamed: xr.Dataset,
    waiting_times: Sequence[int],
    *,
    chi: float,
    lags: Sequence[int] | None = None,
    motility_lags: Sequence[int] = (),
    include_output_layer: bool = True,
) -> xr.Dataset:
    """What ``measure`` gives for the snapshots that ``streamed`` was measured from, to the last bit.

    ``streamed`` holds the tables of ``quench.observables.pairs`` for some chi. Raises ``QuenchError``, telling what there
    is, for a waiting time, chi, lag, motility lag or choice of weights that was not declared when it was measured.
    """
    if include_output_layer == bool(streamed["hidden_only"]):
        present = "without" if streamed["hidden_only"] else "with"
        raise QuenchError(f"was measured {present} the output layer; run again to change that")
    waiting_times = sorted({int(t) for t in waiting_times})
    lags = streamed["lag"].values if lags is None else np.unique(np.asarray(lags, dtype=np.int64))
    histograms = chosen_lags(motility_lags, lags)
    wanted = {"waiting_time": waiting_times, "lag": lags, "motility_lag": histograms, "chi": [chi]}
    for name, values in wanted.items():
        _check_measured(name, values, streamed[name].values)
    tables = streamed[[*CURVES, "motility", "weight_sizes", "largest", "sigma", "n_weights"]]
    measured = tables.sel(chi=chi, drop=True).sel(waiting_time=waiting_times, lag=lags, motility_lag=histograms)
    return _derived(measured, streamed, chi, np.dtype(np.float64))


def _check_measured(name: str, wanted: Iterable[float], present: np.ndarray) -> None:
    missing = [value for value in wanted if value not in present]
    if missing:
        some = ", ".join(f"{value:.10g}" for value in present[:20]) + (", ..." if len(present) > 20 else "")
        raise QuenchError(f"{name} = {missing[0]:.10g} was not measured while training; measured: {some or 'none'}")


def _derived(measured: xr.Dataset, source: xr.Dataset, chi: float, dtype: np.dtype) -> xr.Dataset:
    """The contract, from the tables in ``measured`` and what else ``source`` tells of its networks."""
    sigma = xr.DataArray(measured["sigma"].values, dims="network")
    epsilon = sigma / chi
    # The weights of a lost network have no bound.
    kept = np.isfinite(sigma.values) & (source["diverged_at"].values < 0)
    if kept.any():
        try:
            check_resolution(measured["largest"][kept], epsilon[kept], dtype)
        except ValueError as error:
            raise QuenchError(f"chi = {chi:g}: {error}") from None
    result = xr.Dataset(
        {name: (dims, measured[name].transpose(*dims).values) for name, dims in CURVES.items()},
        coords={name: (name, measured[name].values) for name in ("waiting_time", "lag", "motility_lag")}
        | {name: ("network", source[name].values, source[name].attrs) for name in ("seed", "diverged_at")}
        | {"motility_edge": ("motility_edge", MOTILITY_EDGES)},
    )
    result["alpha2"] = alpha2(result["msd"], result["fourth_moment"])
    for name, level in LEVELS.items():
        result[name] = crossing_time(result["overlap"], level)
    result["longest_lag"] = longest_lag(result["overlap"])
    result["sigma"], result["epsilon"] = sigma, epsilon
    result["n_weights"] = xr.DataArray(int(measured["n_weights"]))
    result["motility"] = (HISTOGRAM, measured["motility"].transpose(*HISTOGRAM).values)
    # Sizes of the reference weights: what an equal harmonic well would do with them (KWJ App. G) follows from these.
    result["weight_sizes"] = (SIZES, measured["weight_sizes"].transpose(*SIZES).values)
    # The loss along the way travels with the curves: figures are drawn from observables alone.
    for name in ("loss", "data_loss", "active_fraction"):
        if name in source:
            result[name] = source[name]
    return _documented(result)


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
