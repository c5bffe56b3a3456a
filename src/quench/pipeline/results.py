"""A results folder: what belongs under which name. A whole file of another run, seed or temperature is found out here.

``results/<scenario>/config.yaml`` says what was asked for; a file's name says which part of it the file is; its own
attributes and coordinates say what it holds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from quench.config.scenario import load_files
from quench.config.sections import Scenario
from quench.dynamics.choices import optimiser_of
from quench.errors import QuenchError
from quench.pipeline import expected
from quench.provenance import steps
from quench.store import files

CONFIG = "config.yaml"
# Parameters that files of earlier versions do not name, and what they were then.
_BEFORE = {"loss": "quadratic_hinge", "collapse": False, "momentum": 0.0}


def read(path: str | Path, kind: str | tuple[str, ...] | None = None) -> xr.Dataset:
    """``files.read``, and within a results folder the file must be the one that its name says.

    Raises ``QuenchError`` like ``files.read``, and for a file of another configuration, point or set of seeds.
    """
    dataset = files.read(path, kind)
    check(dataset, path)
    return dataset


def check(dataset: xr.Dataset, path: str | Path) -> None:
    """Raise ``QuenchError`` where ``dataset``, read from ``path`` in a results folder, belongs elsewhere."""
    root = root_of(path)
    wanted = expected.belonging(scenario_at(root), Path(path).absolute().relative_to(root).as_posix()) if root else None
    if wanted is None:
        return
    assert root is not None
    place = f"(asked for by {root.name}/{CONFIG}); delete it and run again"
    if dataset.attrs.get("kind") not in wanted.kinds:
        raise QuenchError(f"{path}: holds {dataset.attrs.get('kind')!r}, not {' or '.join(wanted.kinds)} {place}")
    difference = _difference(files.plain(wanted.config), files.config_of(dataset))
    if difference:
        raise QuenchError(f"{path}: belongs elsewhere: {difference} {place}")
    for name, values in wanted.coordinates.items():
        held = dataset[name].values.tolist() if name in dataset.variables else None
        if held != values:
            raise QuenchError(f"{path}: belongs elsewhere: {name} is {_few(held)}, not {_few(values)} {place}")


def read_together(paths: Iterable[str | Path], kind: str) -> list[xr.Dataset]:
    """``read`` every file of ``kind`` that one thing is in: chunks of networks or of points."""
    together, found = Together(), []
    for path in paths:
        found.append(read(path, kind))
        together.add(path, found[-1])
    return found


class Together:
    """Files that are taken as one: all made under one configuration by one code, and nothing is in two of them."""

    def __init__(self) -> None:
        self._first: tuple[str | Path, Any, Any] | None = None
        self._owner: dict[str, str | Path] = {}

    def add(self, path: str | Path, dataset: xr.Dataset) -> None:
        """Raise ``QuenchError``, naming ``path``, where ``dataset`` does not go with those added before."""
        shared, members = _shared(dataset)
        # What says nothing of its members is one.
        members = members or [f"the file {path}"]
        code = dataset.attrs.get("code_fingerprint")
        first, its_config, its_code = self._first = self._first or (path, shared, code)
        if shared != its_config:
            raise QuenchError(f"{path}: made under another configuration than {first}")
        # Foreign files and recordings on their way do not say by what code they were made.
        if None not in (code, its_code) and code != its_code:
            raise QuenchError(f"{path}: made by other code than {first}; make both again")
        for member in members:
            if member in self._owner:
                raise QuenchError(f"{path}: {member} is in {self._owner[member]} too; everything counts once")
            self._owner[member] = path


def _shared(dataset: xr.Dataset) -> tuple[dict[str, Any], list[str]]:
    """What files that are taken as one have in common, and what each of them has for itself."""
    kind, config = dataset.attrs.get("kind"), files.config_of(dataset)
    seeds = [f"seed {seed}" for seed in dataset["seed"].values.tolist()] if "seed" in dataset.variables else []
    if kind == "scan":
        points = zip(dataset["width"].values.tolist(), dataset["weight_decay"].values.tolist(), strict=True)
        return config, [f"the point n = {width}, lambda = {strength:g}" for width, strength in points]
    if kind not in ("observables", "mobility"):
        return config, seeds
    trajectory = dict(config.pop("trajectory", {}))
    point = {name: trajectory.pop(name, None) for name in ("temperature", "batch_size")} | {
        "chi": config.pop("chi", None)
    }
    if trajectory.get("anneal"):
        trajectory["anneal"] = {**trajectory["anneal"], "end": None}
    # The longest lag of SGD is cut to a number of samples.
    trajectory.pop("lag_max", None)
    told = ", ".join(f"{name} = {value:g}" for name, value in point.items() if value is not None)
    return {**config, "trajectory": trajectory}, [f"{told}, {seed}" for seed in seeds] if kind == "mobility" else [told]


def root_of(path: str | Path) -> Path | None:
    """The results folder that the file at ``path`` lies in: the nearest one above with a config.yaml and a known layout."""
    path = Path(path).absolute()
    for root in list(path.parents)[1:5]:
        if (root / CONFIG).is_file() and expected.stage_of(path.relative_to(root).as_posix()):
            return root
    return None


def opened(folder: Path) -> tuple[Path, Scenario]:
    """The absolute path of a results folder that a user named, and its scenario; ``QuenchError`` for any other folder."""
    root = folder.absolute()
    if not (root / CONFIG).is_file():
        raise QuenchError(f"{folder}: no {CONFIG}; name the results of one scenario, as in results/default")
    return root, scenario_at(root)


@functools.cache
def scenario_at(root: Path) -> Scenario:
    """The scenario whose results are in ``root``."""
    return load_files([root / CONFIG])


def _difference(wanted: Mapping[str, Any], held: Mapping[str, Any], above: str = "") -> str:
    """The first declared parameter that a file was made under another value of, in words; empty where there is none."""
    for name, value in wanted.items():
        place = f"{above}{name}"
        if isinstance(value, Mapping):
            told = _difference(value, held.get(name) or {}, f"{place}.")
            if told:
                return told
        elif held.get(name, _BEFORE.get(name)) != value:
            return f"{place} is {_few(held.get(name))}, not {_few(value)}"
    return ""


def _few(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def paths_in(root: Path) -> list[Path]:
    """All NetCDF files of a results folder, but for what unfinished jobs keep in hidden folders and names."""
    found = [path for path in root.rglob("*.nc") if not any(p.startswith(".") for p in path.relative_to(root).parts)]
    return sorted(found)


def codes_of(dataset: xr.Dataset) -> set[str]:
    """Fingerprints that the present code would give ``dataset``'s file; of a mobility either backend's."""
    kind, config = dataset.attrs["kind"], files.config_of(dataset)
    if kind == "figure":
        return {steps.code(kind, figure=config["figure"])}
    if kind == "mobility":
        return {steps.code(kind, backend) for backend in ("fused", "reference")}
    if kind in ("snapshots", "streamed"):
        how = {"momentum": config.get("momentum") or 0.0, "annealed": bool(config.get("anneal"))}
        optimiser = optimiser_of(config["dynamics"], **how)
        return {steps.code(steps.run_step(optimiser, "full" if kind == "snapshots" else kind), config["backend"])}
    named = {"dataset": "prepare", "pretrained": "pretrain", "observables": "observe", "training": "train"}
    named["glass"] = "pspin-simulate" if "n_spins" in config else "pspin"
    return {steps.code(named.get(kind, kind), config.get("backend", ""))}
