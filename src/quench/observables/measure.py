"""Observables of every network, from snapshots or from what was measured during training, and those of an ensemble."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from quench.dynamics import accumulated_noise
from quench.dynamics.schedule import Schedule
from quench.errors import QuenchError
from quench.observables import derived, table
from quench.observables.accumulator import TwoTimeObservables, chosen_lags
from quench.observables.average import average
from quench.observables.displacement import MOTILITY_EDGES
from quench.observables.overlap import check_resolution
from quench.observables.table import KWJ
from quench.store.contracts import Wanted
from quench.store.variables import config_of, described

# The fourth power of a sum of two such weights is below the largest float64.
LARGEST = np.finfo(np.float64).max ** 0.25 / 2


def measure_ensemble(
    trajectories: Iterable[xr.Dataset],
    waiting_times: Sequence[int] | None = None,
    *,
    chi: float,
    include_output_layer: bool = True,
    control: xr.Dataset | None = None,
    names: Sequence[object] = (),
    **lags: Any,
) -> tuple[xr.Dataset, dict[str, Any]]:
    """Observables of all networks in ``trajectories``, chunks of one ensemble, with averages, and the parameters used.

    The chunks are measured one by one: of those that an iterator reads, one is in memory. ``names``: what errors call them.
    Other arguments as for ``measure``; averages as ``average`` computes them; the parameters are those that a file of
    observables declares. Where every network has diverged the averages are NaN, which is reported on stderr. Raises
    ``QuenchError`` for chunks with different times or numbers of weights, where nothing follows a waiting time, and as
    ``measure`` does.
    """
    measured: list[xr.Dataset] = []
    labels: Iterator[object] = iter(names) if names else (f"trajectory {number}" for number in itertools.count())
    config: dict[str, Any] = {}
    for trajectory in trajectories:
        label, times = next(labels), trajectory["time"].values
        if not measured:
            first, its_times = label, times
        if not np.array_equal(times, its_times):
            raise QuenchError(f"{label}: its times differ from those of {first}")
        try:
            chosen = _waiting_times(trajectory, waiting_times)
            choices: dict[str, Any] = {"include_output_layer": include_output_layer, "control": control, **lags}
            measured.append(measure(trajectory, chosen, chi=chi, **choices))
        except QuenchError as error:
            raise QuenchError(f"{label}: {error}") from None
        count, its_count = (int(one["n_weights"]) for one in (measured[-1], measured[0]))
        if count != its_count:
            raise QuenchError(f"{label}: its networks have {count} measured weights, those of {first} {its_count}")
        config = {"trajectory": config_of(trajectory), "chi": chi, "waiting_times": chosen}
        del trajectory  # before the next one is read
    pooled = average(measured)
    _check_measured(pooled)
    return pooled, config | {"include_output_layer": include_output_layer, "control": control is not None}


def _check_measured(pooled: xr.Dataset) -> None:
    """Raise ``QuenchError`` where networks are left but no lag above 0; report on stderr where no network is left."""
    if int(pooled["n_networks"].max()) == 0:
        print("quench: every network has diverged, so that all averages are NaN", file=sys.stderr)
    elif not np.isfinite(pooled["overlap_mean"].where(pooled["lag"] > 0)).any():
        ages = ", ".join(map(str, pooled["waiting_time"].values))
        raise QuenchError(f"no snapshot at a measured lag above 0 follows t_w = {ages}")


def measure(
    trajectory: xr.Dataset,
    waiting_times: Sequence[int] | None = None,
    *,
    chi: float,
    lags: Sequence[int] | None = None,
    motility_lags: Sequence[int] = (),
    include_output_layer: bool = True,
    control: xr.Dataset | None = None,
) -> xr.Dataset:
    """All observables of every network in ``trajectory``: snapshots, or a streamed file, with the same bits.

    ``waiting_times``, recorded times in updates (default: the declared ones that were reached). ``lags`` (default: the
    declared grid, or else all that the snapshots allow); a pair (t_w, t) that was not recorded is NaN. ``motility_lags``:
    lags with a histogram, the nearest measured ones (default: one per decade, and the longest). epsilon = sigma/chi per
    network (KWJ Eq. 14), sigma being the file's own (the standard deviation at the end of training) or else that of its
    last snapshot. ``include_output_layer``: whether its weights count; without them sigma is that of the hidden weights, of
    the first snapshot where the file has a sigma. ``control``: snapshots of the same networks at T = 0, whose displacement
    is subtracted where the response is measured.

    Raises ``QuenchError``, with what there is, for a waiting time or lag that was not recorded, a chi whose epsilon is
    below the float resolution, and for whatever a streamed file was not measured with.
    """
    waiting_times = sorted(set(_waiting_times(trajectory, waiting_times)))
    streamed = "weights" not in trajectory
    grid = trajectory["lag"].values if streamed else _possible_lags(trajectory, waiting_times)
    if lags is not None:
        grid = np.unique(np.asarray(lags, dtype=np.int64)) if streamed else _requested(lags, grid)
    elif not streamed:
        grid = _declared_lags(trajectory, grid)
    wanted = {"waiting_time": waiting_times, "lag": grid, "motility_lag": chosen_lags(motility_lags, grid)}
    if not streamed:
        measured = _recorded(trajectory, wanted, chi, include_output_layer, control)
    elif control is None:
        measured = _selected(trajectory, wanted, chi, include_output_layer)
    else:
        raise QuenchError("a streamed file holds no weights from which those of a control run could be subtracted")
    return _complete(measured, trajectory, chi)


def contract() -> dict[str, Wanted]:
    """What a file of observables must hold, by name."""
    times = {name: Wanted((name,), 0, whole=True) for name in ("waiting_time", "lag")}
    others = {"epsilon": Wanted(("network",), 0), "n_weights": Wanted((), 1, whole=True)}
    return table.contract(derived.observables(), streamed=False) | times | others


def _waiting_times(trajectory: xr.Dataset, requested: Sequence[int] | None) -> list[int]:
    if requested is not None:
        return [int(waiting_time) for waiting_time in requested]
    reached = [t for t in config_of(trajectory).get("waiting_times", ()) if t in trajectory["time"].values]
    if not reached:
        raise QuenchError("declares no waiting time that was reached; give --waiting-times")
    return reached


def _declared_lags(snapshots: xr.Dataset, possible: np.ndarray) -> np.ndarray:
    """The lags of the schedule that the snapshots were recorded on; all ``possible`` ones where they declare none."""
    declared = config_of(snapshots)
    if not declared.keys() >= {"waiting_times", "lag_max", "dense", "per_decade"}:
        return possible
    schedule = Schedule(*(declared[name] for name in ("waiting_times", "lag_max", "dense", "per_decade")))
    # Earlier versions made other lags of the same parameters.
    return schedule.lags if np.isin(snapshots["time"].values, schedule.times).all() else possible


def _possible_lags(snapshots: xr.Dataset, waiting_times: list[int]) -> np.ndarray:
    """All lags between ``waiting_times`` and later snapshots; ``QuenchError`` for a waiting time that was not recorded."""
    times = snapshots["time"].values.astype(np.int64)
    for waiting_time in waiting_times:
        if waiting_time not in times:
            close = times[np.abs(times - waiting_time).argmin()]
            raise QuenchError(f"t_w = {waiting_time} is not among the {len(times)} snapshot times (nearest: {close})")
    lags = np.unique(np.subtract.outer(times, waiting_times))
    return lags[lags >= 0]


def _requested(lags: Sequence[int], possible: np.ndarray) -> np.ndarray:
    """``lags``, sorted; ``QuenchError`` for one that no waiting time has."""
    for lag in lags:
        if lag not in possible:
            close = possible[np.abs(possible - lag).argmin()]
            raise QuenchError(f"lag {lag} follows no waiting time in its snapshots (nearest: {close})")
    return np.unique(np.asarray(lags, dtype=np.int64))


def _recorded(
    snapshots: xr.Dataset,
    wanted: Mapping[str, Any],
    chi: float,
    include_output_layer: bool,
    control: xr.Dataset | None = None,
) -> xr.Dataset:
    """The measured tables of ``snapshots`` at the ``wanted`` waiting times, lags and motility lags."""
    rows = _rows(snapshots, control)
    left_out: dict[str, str] = {}
    if not include_output_layer:
        if "layer" not in snapshots.coords:
            raise QuenchError("include_output_layer: the snapshots have no coordinate 'layer'")
        counted, left_out = _hidden(snapshots)
        snapshots = snapshots.isel(weight=counted)
        rows = ({name: values[:, counted] for name, values in row.items()} for row in rows)
    weights = snapshots["weights"]
    # A diverged network may have weights of any size.
    with np.errstate(over="ignore", invalid="ignore"):
        if "sigma" in snapshots and include_output_layer:
            sigma = snapshots["sigma"]
        else:
            at = weights.isel(time=0 if "sigma" in snapshots else -1).transpose("network", "weight")
            # Rows side by side in memory: sums round differently for another layout.
            sigma = xr.DataArray(np.ascontiguousarray(at, dtype=np.float64).std(axis=1), dims="network")
    layer = snapshots["layer"].values if "layer" in snapshots.coords else None
    epsilon = (sigma / chi).values[None]
    measured = TwoTimeObservables(wanted["waiting_time"], wanted["lag"], wanted["motility_lag"], epsilon, layer)
    for time, row in zip(snapshots["time"].values.astype(np.int64).tolist(), rows, strict=True):
        measured.record(time, **row)
    tables = {
        one.name: (one.dims, values[0] if one.per_chi else values)
        for one in table.MEASURED
        if (values := measured.tables.get(one.name)) is not None
    }
    others = {"largest": ("network", measured.largest), "sigma": ("network", sigma.values)}
    layers = {} if measured.layers is None else {"layer": measured.layers}
    return xr.Dataset(
        tables | others | {"n_weights": ((), weights.sizes["weight"], left_out)}, coords={**wanted, **layers}
    )


def _rows(snapshots: xr.Dataset, control: xr.Dataset | None) -> Iterator[dict[str, np.ndarray]]:
    """The configurations at every time, by name, each (network, weight), as ``TwoTimeObservables.record`` takes them.

    The noise is that of the file, or else computed again from the keys of the run that the file declares.
    """
    seeds = snapshots["seed"].values
    files = {name: snapshots[name] for name in ("weights", "noise", "field") if name in snapshots}
    made = None
    if "noise" not in files:
        made = accumulated_noise.of_run(config_of(snapshots), seeds, snapshots.sizes["weight"])
    if control is not None:
        if made is None and "noise" not in files:
            raise QuenchError("no noise to respond to: a control run serves the response of Langevin dynamics at T > 0")
        files["control"] = _same_networks(control, snapshots)["weights"]
    ordered = {name: values.transpose("time", "network", "weight").values for name, values in files.items()}
    for number, time in enumerate(snapshots["time"].values.astype(np.int64).tolist()):
        others = {} if made is None else made.advance_to(time)
        yield {name: values[number] for name, values in ordered.items()} | others


def _same_networks(control: xr.Dataset, snapshots: xr.Dataset) -> xr.Dataset:
    """The networks of ``snapshots`` in the run ``control``; ``QuenchError`` where it does not hold them at all times."""
    places = {int(seed): place for place, seed in enumerate(control["seed"].values)}
    seeds = [int(seed) for seed in snapshots["seed"].values]
    if missing := [seed for seed in seeds if seed not in places]:
        raise QuenchError(f"the control run has no network of seed {missing[0]}")
    if control.sizes["weight"] != snapshots.sizes["weight"] or not np.array_equal(control["time"], snapshots["time"]):
        raise QuenchError("the control run has other weights or times")
    prepared, its_own = (config_of(one).get("prepared") for one in (snapshots, control))
    if prepared != its_own or config_of(control).get("temperature") != 0:
        raise QuenchError("the control run is not that of the same networks at T = 0")
    return control.isel(network=[places[seed] for seed in seeds])


def _hidden(snapshots: xr.Dataset) -> tuple[np.ndarray, dict[str, str]]:
    """Which weights are not in the output layer (weight), and the name of that layer where a recording states it."""
    layer = snapshots["layer"]
    output = int(layer.attrs.get("output_layer", layer.max()))
    names = str(layer.attrs.get("flag_meanings", "")).split()
    name = names[output] if output < len(names) else output
    counted: np.ndarray = (layer != output).values
    if not counted.any():
        raise QuenchError(f"include_output_layer: all weights are in the output layer, {name}; none is left without it")
    return counted, {"comment": f"without the {(~counted).sum()} of the output layer {name}"} if names else {}


def _selected(streamed: xr.Dataset, wanted: Mapping[str, Any], chi: float, include_output_layer: bool) -> xr.Dataset:
    """The ``wanted`` part of the tables of ``streamed``; ``QuenchError`` where it was not measured."""
    names = [one.name for one in table.MEASURED if not one.needs or one.name in streamed]
    others = ["largest", "sigma", "n_weights"]
    for name in (*names, *others, "hidden_only", "motility_edge"):
        if name not in streamed:
            raise QuenchError(f"no variable {name!r}; a streamed file comes from quench run --snapshots streamed")
    if not np.array_equal(streamed["motility_edge"].values, MOTILITY_EDGES):
        raise QuenchError("motility bins of another version; run again")
    if include_output_layer == bool(streamed["hidden_only"]):
        how = "without" if streamed["hidden_only"] else "with"
        raise QuenchError(f"was measured {how} the output layer; run again to change that")
    for name, values in {**wanted, "chi": [chi]}.items():
        present = streamed[name].values
        missing = [value for value in values if value not in present]
        if missing:
            some = ", ".join(f"{value:.10g}" for value in present[:20]) + (", ..." if len(present) > 20 else "")
            raise QuenchError(
                f"{name} = {missing[0]:.10g} was not measured during training; measured: {some or 'none'}"
            )
    return streamed[[*names, *others]].sel(chi=chi, drop=True).sel(wanted)


def _dtype(trajectory: xr.Dataset) -> str:
    """The type of the weights in training: of the networks that were recorded, or else that of the file."""
    if "weights" not in trajectory:
        return "float64"
    weights = trajectory["weights"]
    # NetCDF has no half precision, so that the type in a recording may be wider than that of the model.
    return str((trajectory.attrs | weights.attrs).get("dtype_of_weights", weights.dtype)).removeprefix("torch.")


def _complete(measured: xr.Dataset, trajectory: xr.Dataset, chi: float) -> xr.Dataset:
    """A file's content from the ``measured`` tables and what ``trajectory`` holds of its networks."""
    sigma = measured["sigma"].values
    epsilon = sigma / chi
    # The weights of a diverged network have no bound.
    alive = trajectory["diverged_at"].values < 0
    if (measured["largest"].values[alive] > LARGEST).any():
        raise QuenchError(f"weights exceed {LARGEST:.1g}: fourth powers of displacements would be infinite in float64")
    kept = np.isfinite(sigma) & alive
    if (epsilon[kept] == 0).any():
        raise QuenchError(
            "the weights of a network are all equal: sigma = 0, and no overlap length epsilon = sigma / chi"
        )
    if kept.any():
        try:
            check_resolution(measured["largest"].values[kept], epsilon[kept], _dtype(trajectory))
        except ValueError as error:
            raise QuenchError(f"chi = {chi:g}: {error}") from None
    names = [name for name in ("waiting_time", "lag", "motility_lag", "layer") if name in measured.coords]
    grids = table.coordinates(*(measured[name].values for name in names))
    known = [name for name in ("seed", "diverged_at", "state") if name in trajectory.coords]
    networks = {name: ("network", trajectory[name].values, trajectory[name].attrs) for name in known}
    result = xr.Dataset(coords=grids | networks)
    for one in derived.observables():
        if one.of and all(name in result for name in one.of):
            result[one.name] = one.variable(one.function(*(result[name] for name in one.of)))
        elif one.name in measured:
            result[one.name] = one.variable(measured[one.name])
    by_network, eq14 = ("network",), f"{KWJ}, Eq. 14"
    spread = "standard deviation of the weights at the end of training"
    result["sigma"] = described(sigma, by_network, spread, references=eq14)
    result["epsilon"] = described(epsilon, by_network, "overlap length sigma/chi", references=eq14)
    counted = measured["n_weights"]
    left_out = {name: text for name, text in counted.attrs.items() if name == "comment"}
    result["n_weights"] = described(int(counted), (), "number of weights", **left_out)
    # Figures are drawn from observables alone, so the losses along the trajectory are copied.
    losses = [name for name in ("loss", "data_loss", "active_fraction") if name in trajectory]
    return result.assign({name: trajectory[name].drop_encoding() for name in losses})
