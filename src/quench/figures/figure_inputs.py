"""The files and choices from which a figure is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.networks.state import singles
from quench.store.variables import concat_chunks, config_of


@dataclass(frozen=True)
class FigureInputs:
    """The files and choices that the section of a figure in the config declares.

    ``files``: datasets by key of the section (``runs``, ``scans``, ...) and by name. A run has a dataset per temperature
    or batch size, a ``response`` one per temperature above 0; ensembles, scans and classifiers have one per chunk;
    ``mobility`` and ``replicas`` have one per temperature and chunk, a ``curvature`` one per chunk; a glass, a
    ``flatness``, a ``drift`` and an external run have one each.
    ``choices``: the other keys of the section with their values (``temperatures``, ``fit``, ...), and the ``scale``.
    """

    files: Mapping[str, Mapping[str, Sequence[xr.Dataset]]] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)

    def of(self, key: str) -> Mapping[str, Sequence[xr.Dataset]]:
        """The datasets under a key of the section, by name."""
        return self.files.get(key, {})

    def run(
        self, name: str, along: str = "temperature", *, chi: float | None = None, waiting_time: int | None = None
    ) -> xr.Dataset:
        """The averaged observables of a run, stacked along ``along`` from the largest value to the smallest.

        Contains the declared temperatures only, and one waiting time: ``waiting_time``, else the declared one, else the
        last. ``chi`` selects one of several overlap lengths. Attributes are the ``facts`` of the run.
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
        stacked = stacked.merge(self.single(name, "epsilon", along=along, chi=chi, waiting_time=waiting_time))
        stacked.attrs = facts(next(iter(files.values())))
        check_measured(name, stacked)
        return stacked

    def networks(
        self, name: str, along: str = "temperature", *, chi: float | None = None, waiting_time: int | None = None
    ) -> list[xr.Dataset]:
        """Observables of the averaged networks, one dataset per value of ``along``, in the order of ``run``.

        NaN for a network that diverged there (``quench.networks.state.singles``).
        """
        return [singles(self._at_waiting_time(one, waiting_time)) for one in self._chosen(name, along, chi).values()]

    def single(self, name: str, *quantities: str, along: str = "temperature", **choice: Any) -> xr.Dataset:
        """``<quantity>_single`` of every network of ``networks``, (``along``, network, ...).

        Networks are numbered, so that panels with more and with fewer of them can be stacked.
        """
        files = self.networks(name, along, **choice)
        points = xr.Variable(along, list(self._chosen(name, along, choice.get("chi"))))
        tables = {}
        for one in quantities:
            parts = [file[one].reset_coords(drop=True) for file in files]
            tables[f"{one}_single"] = xr.concat(parts, points, coords="minimal", compat="override", join="outer")
        return xr.Dataset(tables).assign_coords(network=np.arange(files[0].sizes["network"]))

    def ages(self, name: str) -> xr.Dataset:
        """Observables of a run at all its waiting times, at its hottest temperature among the declared ones.

        Its single networks are those of ``networks``.
        """
        (temperature, dataset), *_ = self._chosen(name, "temperature", None).items()
        check_measured(name, dataset)
        return singles(dataset).assign_attrs(facts(dataset), temperature=temperature)

    def chis(self, name: str) -> list[float]:
        """The values of chi in the files of a run, in increasing order."""
        return sorted({config_of(dataset)["chi"] for dataset in self.of("runs")[name]})

    def scan(self, name: str) -> xr.Dataset:
        """All grid points of a scan; attributes hold ``P_D``, the preparation and ``n_networks``."""
        parts = self.of("scans")[name]
        points = concat_chunks(parts, "point").drop_attrs(deep=False)
        config = config_of(parts[0])
        known = {key: config[key] for key in ("P_D", "epochs", "learning_rate", "batch_size")}
        return points.assign_attrs(known, n_networks=int(points.sizes["network"]))

    def training(self, name: str) -> xr.Dataset:
        """All networks of a classifier; attributes hold its parameters (``model``, ``rate``, ``n_weights``, ...).

        ``n_networks`` counts those that did not diverge.
        """
        parts = self.of("classifiers")[name]
        networks = concat_chunks([part.drop_dims(["weight"]) for part in parts], "network").drop_attrs(deep=False)
        return networks.assign_attrs(config_of(parts[0]), n_networks=_count(parts))

    def seeds(self) -> list[int]:
        """Seeds of all networks and simulations in the files."""
        files = [one for group in self.files.values() for parts in group.values() for one in parts]
        return sorted({int(seed) for one in files if "seed" in one.variables for seed in np.ravel(one["seed"])})

    def scale_label(self) -> str:
        """One line for a figure at reduced scale: images, width or number of weights and networks of every input.

        Inputs of the same scale stand together; their names are given where a figure has several scales. Networks in
        another state are counted apart. Empty at full scale, and for a figure without networks.
        """
        groups: dict[str, list[str]] = {}
        if self.choices.get("scale") != "full":
            for name, known in self._scales():
                symbols = (("$P_D$", "P_D"), ("$n$", "width"), ("$M$", "M"), ("networks", "n_networks"))
                parts = [str(known["source"])] if "source" in known else []
                parts += [f"{symbol} = {_shown(known[key])}" for symbol, key in symbols if key in known]
                groups.setdefault(" · ".join(parts), []).append(name)
        if len(groups) < 2:
            return "".join(f"reduced scale: {text}" for text in groups)
        texts = [f"{', '.join(dict.fromkeys(names)).replace('_', ' ')}: {text}" for text, names in groups.items()]
        return f"reduced scale: {'; '.join(texts)}"

    def _scales(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name, images, P_D, width or number of weights M, and number of networks of every input that has networks."""
        for name, files in (*self.of("runs").items(), *self.of("response").items()):
            known = facts(files[0])
            apart = f" (and {known['n_apart']} in another state)" if known["n_apart"] else ""
            yield name, known | _source(config_of(files[0])) | {"n_networks": f"{known['n_networks']}{apart}"}
        for name, files in (*self.of("mobility").items(), *self.of("replicas").items()):
            trajectory = config_of(files[0])["trajectory"]
            seeds = {int(seed) for dataset in files for seed in dataset["seed"].values}
            yield name, {"P_D": trajectory["P_D"], "width": trajectory["prepared"]["width"], "n_networks": len(seeds)}
        for name, files in self.of("ensembles").items():
            config = config_of(files[0])
            yield name, config | _source(config) | {"n_networks": _count(files)}
        for name, files in self.of("classifiers").items():
            config = config_of(files[0])
            known = {"P_D": config["n_train"], "M": config["n_weights"], "n_networks": _count(files)}
            yield name, known | _source(config)
        for name, files in self.of("scans").items():
            widths = sorted({int(width) for part in files for width in part["width"].values})
            span = f"{widths[0]}…{widths[-1]}" if len(widths) > 1 else widths[0]
            yield name, {"P_D": config_of(files[0])["P_D"], "width": span, "n_networks": files[0].sizes["network"]}

    def _chosen(self, name: str, along: str, chi: float | None) -> dict[float, xr.Dataset]:
        """Files of a run by their value of ``along``, largest first; only those at the declared temperatures, if any."""
        files = self._by_point(name, along, chi)
        declared = self.choices.get("temperatures", ()) if along == "temperature" else ()
        chosen = sorted(declared or files, reverse=True)
        missing = [value for value in chosen if value not in files]
        if missing:
            raise QuenchError(f"run {name!r}: no observables at {along} {missing[0]:g}; known: {sorted(files)}")
        return {value: files[value] for value in chosen}

    def _by_point(self, name: str, along: str, chi: float | None) -> dict[float, xr.Dataset]:
        """The files of a run by temperature or batch size, at one value of chi where it is given."""
        runs = self.of("runs")
        if name not in runs:
            raise QuenchError(f"no run {name!r} among the inputs; known: {sorted(runs)}")
        files = [dataset for dataset in runs[name] if chi is None or config_of(dataset)["chi"] == chi]
        points = [config_of(dataset).get("trajectory", {}).get(along) for dataset in files]
        if None in points:
            raise QuenchError(f"run {name!r}: an observables file does not state its {along}")
        return dict(zip(points, files, strict=True))

    def _at_waiting_time(self, dataset: xr.Dataset, waiting_time: int | None) -> xr.Dataset:
        wanted = self.choices.get("waiting_time") if waiting_time is None else waiting_time
        if wanted is None:
            return dataset.isel(waiting_time=-1)
        measured = dataset["waiting_time"].values
        if wanted not in measured:
            raise QuenchError(f"t_w = {wanted} was not measured; known: {measured.tolist()}")
        return dataset.sel(waiting_time=wanted)


def check_measured(name: str, run: xr.Dataset) -> None:
    """Raise ``QuenchError`` where the averages of a run contain nothing to draw."""
    if not np.isfinite(run["overlap_mean"].where(run["lag"] > 0)).any():
        raise QuenchError(f"{name}: no overlap at a lag above 0: there is only one snapshot, or every network diverged")


def facts(dataset: xr.Dataset) -> dict[str, Any]:
    """Parameters of the run behind an observables file: chi, step size, P_D, width, weight decay, numbers of networks.

    ``n_networks`` counts those averaged, ``n_apart`` those in another state.
    """
    config = config_of(dataset)
    trajectory = config["trajectory"]
    return {
        "chi": config["chi"],
        "step_size": trajectory["step_size"],
        "P_D": trajectory["P_D"],
        "width": trajectory["prepared"]["width"],
        "weight_decay": trajectory["prepared"]["weight_decay"],
        "n_networks": int(dataset["averaged"].sum()),
        "n_apart": int(dataset["n_apart"]),
    }


def _source(config: Mapping[str, Any]) -> dict[str, str]:
    """The source of the images in the config of a run, an ensemble or a classifier; empty where it states none."""
    prepared = config.get("trajectory", {}).get("prepared", config)
    images = prepared.get("dataset") or prepared
    return {"source": images["source"]} if "source" in images else {}


def _shown(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _count(files: Sequence[xr.Dataset]) -> int:
    """Number of networks in all ``files`` that did not diverge."""
    return sum(
        int((one["diverged_at"] < 0).sum()) if "diverged_at" in one else int(one.sizes["network"]) for one in files
    )


def _averages(dataset: xr.Dataset) -> xr.Dataset:
    """The averaged curves and times of an observables file."""
    names = [name for name in dataset if str(name).endswith(("_mean", "_low", "_high", "_apart"))]
    return dataset[[*names, "n_networks", "n_diverged"]].drop_vars(["seed", "diverged_at", "state"], errors="ignore")
