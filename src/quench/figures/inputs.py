"""What a figure is drawn from: the files that it was given, sorted by run and temperature, and its declared choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.store.variables import concat_chunks, config_of


@dataclass(frozen=True)
class Inputs:
    """The files of a figure, by name, and the choices of its section in the config.

    ``runs``: averaged observables, one dataset a temperature or batch size; ``ensembles``: prepared networks, one
    dataset a chunk; ``scans``: phase-diagram scans, one dataset a chunk of grid points; ``glass``: solutions and
    simulations of the p-spin model; ``classifiers``: trainings, one dataset a chunk of seeds, with ``flatness`` and
    ``drift``, one dataset each; ``mobility``: single weights of a run, one dataset a temperature and chunk; ``external``:
    averaged observables of somebody's own runs, one dataset each.
    """

    runs: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    ensembles: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    scans: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    mobility: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    glass: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    classifiers: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    flatness: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    drift: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    external: Mapping[str, Sequence[xr.Dataset]] = field(default_factory=dict)
    scale: str = "reduced"
    temperatures: Sequence[float] = ()
    waiting_time: int | None = None
    lags: Sequence[int] = ()
    fit: Sequence[float] | None = None
    collapse: bool = False

    def run(
        self, name: str, along: str = "temperature", *, chi: float | None = None, waiting_time: int | None = None
    ) -> xr.Dataset:
        """The averaged observables of a run, stacked along ``along`` from the largest value to the smallest.

        Only the declared temperatures are kept, and one waiting time: that given, else the declared one, else the last;
        ``chi`` chooses among several overlap lengths. Attributes hold what all share: ``step_size``, ``P_D``, ``width``,
        ``weight_decay``, ``chi``, ``n_networks``.
        """
        files = self._chosen(name, along, chi)
        averaged = [self._at_waiting_time(_averages(dataset), waiting_time) for dataset in files.values()]
        stacked = xr.concat(
            averaged,
            xr.Variable(along, list(files)),
            data_vars="all",
            coords="different",
            compat="equals",
            join="outer",
            combine_attrs="drop_conflicts",
        )
        stacked.attrs = facts(next(iter(files.values())))
        check_measured(name, stacked)
        return stacked

    def networks(
        self, name: str, along: str = "temperature", *, chi: float | None = None, waiting_time: int | None = None
    ) -> list[xr.Dataset]:
        """Observables of the single networks of a run, one dataset for each value of ``along``, in the order of ``run``."""
        return [self._at_waiting_time(dataset, waiting_time) for dataset in self._chosen(name, along, chi).values()]

    def ages(self, name: str) -> xr.Dataset:
        """Observables of a run at one temperature, the first declared or else the hottest, at all its waiting times."""
        (temperature, dataset), *_ = self._chosen(name, "temperature", None).items()
        check_measured(name, dataset)
        return dataset.assign_attrs(facts(dataset), temperature=temperature)

    def chis(self, name: str) -> list[float]:
        """The overlap lengths in a run's files, in order."""
        return sorted({config_of(dataset)["chi"] for dataset in self.runs[name]})

    def _chosen(self, name: str, along: str, chi: float | None) -> dict[float, xr.Dataset]:
        """Files by their value of ``along``, largest first: the declared temperatures, else all."""
        files = self._by_point(name, along, chi)
        declared = self.temperatures if along == "temperature" else ()
        chosen = sorted(declared or files, reverse=True)
        missing = [value for value in chosen if value not in files]
        if missing:
            raise QuenchError(f"run {name!r}: no observables at {along} {missing[0]:g}; there are {sorted(files)}")
        return {value: files[value] for value in chosen}

    def _by_point(self, name: str, along: str, chi: float | None) -> dict[float, xr.Dataset]:
        """The files of a run by their temperature or batch size; those of one overlap length where ``chi`` is given."""
        if name not in self.runs:
            raise QuenchError(f"no run {name!r} was given; there are {sorted(self.runs)}")
        files = [dataset for dataset in self.runs[name] if chi is None or config_of(dataset)["chi"] == chi]
        points = [config_of(dataset).get("trajectory", {}).get(along) for dataset in files]
        if None in points:
            raise QuenchError(f"run {name!r}: an observables file does not say its {along}")
        return dict(zip(points, files, strict=True))

    def scan(self, name: str) -> xr.Dataset:
        """All grid points of a scan; attributes hold ``P_D``, ``epochs``, ``learning_rate`` and ``n_networks``."""
        parts = self.scans[name]
        points = concat_chunks(parts, "point").drop_attrs(deep=False)
        config = config_of(parts[0])
        known = {key: config[key] for key in ("P_D", "epochs", "learning_rate", "batch_size")}
        return points.assign_attrs(known, n_networks=int(points.sizes["network"]))

    def training(self, name: str) -> xr.Dataset:
        """All networks of a classifier; attributes hold its choices (``model``, ``rate``, ``n_weights``, ...)."""
        parts = self.classifiers[name]
        networks = concat_chunks([part.drop_dims(["weight"]) for part in parts], "network").drop_attrs(deep=False)
        return networks.assign_attrs(config_of(parts[0]), n_networks=int(networks.sizes["network"]))

    def _at_waiting_time(self, dataset: xr.Dataset, waiting_time: int | None) -> xr.Dataset:
        wanted = self.waiting_time if waiting_time is None else waiting_time
        if wanted is None:
            return dataset.isel(waiting_time=-1)
        measured = dataset["waiting_time"].values
        if wanted not in measured:
            raise QuenchError(f"t_w = {wanted} was not measured; there are {measured.tolist()}")
        return dataset.sel(waiting_time=wanted)

    def seeds(self) -> list[int]:
        """Seeds of all networks and simulations that the figure shows."""
        groups = (getattr(self, f.name) for f in fields(self))
        files = [one for group in groups if isinstance(group, Mapping) for part in group.values() for one in part]
        return sorted({int(seed) for one in files if "seed" in one.variables for seed in np.ravel(one["seed"])})

    def scale_label(self) -> str:
        """One line for a reduced-scale figure: P_D, widths, number of networks; empty at full scale and without networks."""
        given = (self.runs, self.ensembles, self.classifiers, self.scans, self.mobility)
        if self.scale == "full" or not any(given):
            return ""
        known = [facts(files[0]) for files in self.runs.values()]
        known += [_single(files) for files in self.mobility.values()]
        known += [config_of(files[0]) | {"n_networks": _count(files)} for files in self.ensembles.values()]
        for files in self.classifiers.values():
            config = config_of(files[0])
            known.append({"P_D": config["n_train"], "M": config["n_weights"], "n_networks": _count(files)})
        for files in self.scans.values():
            widths = sorted({int(width) for part in files for width in part["width"].values})
            span = f"{widths[0]}…{widths[-1]}" if len(widths) > 1 else widths[0]
            known.append({"P_D": config_of(files[0])["P_D"], "width": span, "n_networks": files[0].sizes["network"]})
        parts = [
            f"{symbol} = {', '.join(dict.fromkeys(_shown(entry[key]) for entry in known if key in entry))}"
            for symbol, key in (("$P_D$", "P_D"), ("$n$", "width"), ("$M$", "M"), ("networks", "n_networks"))
        ]
        return "reduced scale: " + " · ".join(part for part in parts if not part.endswith("= "))


def check_measured(name: str, run: xr.Dataset) -> None:
    """Raise ``QuenchError`` where the averages of a run hold nothing to draw."""
    if not np.isfinite(run["overlap_mean"].where(run["lag"] > 0)).any():
        raise QuenchError(
            f"{name}: nothing was measured at a lag above 0: one snapshot alone, or every network diverged"
        )


def facts(dataset: xr.Dataset) -> dict[str, Any]:
    """What the figures need to know about the run behind an observables file."""
    config = config_of(dataset)
    trajectory = config["trajectory"]
    return {
        "chi": config["chi"],
        "step_size": trajectory["step_size"],
        "P_D": trajectory["P_D"],
        "width": trajectory["prepared"]["width"],
        "weight_decay": trajectory["prepared"]["weight_decay"],
        "n_networks": int(dataset.sizes["network"]),
    }


def _single(files: Sequence[xr.Dataset]) -> dict[str, Any]:
    trajectory = config_of(files[0])["trajectory"]
    seeds = {int(seed) for dataset in files for seed in dataset["seed"].values}
    return {"P_D": trajectory["P_D"], "width": trajectory["prepared"]["width"], "n_networks": len(seeds)}


def _shown(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _count(files: Sequence[xr.Dataset]) -> int:
    return sum(int(dataset.sizes["network"]) for dataset in files)


def _averages(dataset: xr.Dataset) -> xr.Dataset:
    """The averaged curves and times of an observables file, with the mean length epsilon."""
    names = [name for name in dataset if str(name).endswith(("_mean", "_low", "_high"))]
    return (
        dataset[[*names, "n_networks", "n_diverged"]]
        .assign(epsilon=dataset["epsilon"].mean(), epsilons=dataset["epsilon"].rename(network="member"))
        .drop_vars(["seed", "diverged_at"], errors="ignore")
    )
