"""Files of a results folder, each checked against its name: an intact file of another run, seed or temperature is refused.

``results/<scenario>/config.yaml`` declares the results. A file's name says which of them it is; its attributes and
coordinates say what it contains.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from quench.config.scenario import load_files
from quench.config.sections import Figure, Scenario
from quench.errors import QuenchError
from quench.pipeline import expected, stages
from quench.pipeline.paths import Paths
from quench.store import checksum, files
from quench.store.archive import SUMS

CONFIG = "config.yaml"
# Parameters that files of earlier versions do not state, and their values at that time.
_EARLIER_DEFAULTS = {**files.plain(Figure().options()), "loss": "quadratic_hinge", "momentum": 0.0}
# Backends for a file that states none: its code may be that of either.
_BACKENDS = ("fused", "reference")


def read(path: str | Path, kind: str | tuple[str, ...] | None = None) -> xr.Dataset:
    """``files.read``; within a results folder the file must match its name.

    Raises ``QuenchError`` like ``files.read``, and for a file of another configuration, point or set of seeds.
    """
    dataset = files.read(path, kind)
    check(dataset, path)
    return dataset


def check(dataset: xr.Dataset, path: str | Path, scenario: Scenario | None = None) -> None:
    """Raise ``QuenchError`` where ``dataset``, read from ``path`` in a results folder, does not match that path.

    The path is declared by ``scenario``, or else by the configuration in the folder.
    """
    root = root_of(path)
    if root is None:
        return
    wanted = expected.contents(scenario or scenario_at(root), Path(path).absolute().relative_to(root).as_posix())
    if wanted is None:
        return
    place = "" if scenario else f"(declared in {root.name}/{CONFIG}); delete it and run again"
    if dataset.attrs.get("kind") not in wanted.kinds:
        raise QuenchError(f"{path}: contains {dataset.attrs.get('kind')!r}, not {' or '.join(wanted.kinds)} {place}")
    difference = _difference(files.plain(wanted.config), files.config_of(dataset))
    for name, values in wanted.coordinates.items():
        found = dataset[name].values.tolist() if name in dataset.variables else None
        if not difference and found != values:
            difference = f"{name} is {_shortened(found)}, not {_shortened(values)}"
    if difference:
        raise QuenchError(f"{path}: does not match its path: {difference} {place}")


def read_chunks(paths: Iterable[str | Path], kind: str) -> list[xr.Dataset]:
    """``read`` all files of ``kind`` that belong to one ensemble, run, scan or classifier."""
    chunks, found = Chunks(), []
    for path in paths:
        found.append(read(path, kind))
        chunks.add(path, found[-1])
    return found


class Chunks:
    """Chunks of one whole: made with one configuration by one version of the code, and without common members."""

    def __init__(self) -> None:
        self._first: tuple[str | Path, dict[str, Any], str | None] | None = None
        self._owner: dict[str, str | Path] = {}

    def add(self, path: str | Path, dataset: xr.Dataset) -> None:
        """Raise ``QuenchError``, naming ``path``, where ``dataset`` does not fit the chunks added before."""
        config, members = _common_and_members(dataset)
        code = dataset.attrs.get("code_fingerprint")
        first, its_config, its_code = self._first = self._first or (path, config, code)
        if config != its_config:
            difference = _difference({name: its_config.get(name) for name in {**its_config, **config}}, config)
            raise QuenchError(f"{path}: made with another configuration than {first}: {difference}")
        # Foreign files and unfinished recordings do not state their code.
        if None not in (code, its_code) and code != its_code:
            raise QuenchError(f"{path}: made by a different version of the code than {first}; make both again")
        for member in members:
            if member in self._owner:
                place = "appears twice" if self._owner[member] == path else f"is also in {self._owner[member]}"
                raise QuenchError(f"{path}: {member} {place}; each may be in one file only")
            self._owner[member] = path
        self._check_weights(path, dataset)

    def _check_weights(self, path: str | Path, dataset: xr.Dataset) -> None:
        """Refuse a network that is counted twice: one file under two names, or one model recorded as several."""
        if "weights" not in dataset or "time" not in dataset["weights"].dims:
            return
        for number, end in enumerate(dataset["weights"].isel(time=-1).transpose("network", ...).values):
            content = hashlib.sha256(end.tobytes()).hexdigest()
            if content in self._owner and np.isfinite(end).all():
                raise QuenchError(
                    f"{path}: network {number} has the weights of {self._owner[content]}; give each one once"
                )
            self._owner[content] = f"network {number} of {path}"


def _common_and_members(dataset: xr.Dataset) -> tuple[dict[str, Any], list[str]]:
    """Configuration that all chunks have in common, and the members of this one: its seeds, or points of a run or scan."""
    kind, config = dataset.attrs.get("kind"), files.config_of(dataset)
    if kind == "scan":
        points = zip(dataset["width"].values.tolist(), dataset["weight_decay"].values.tolist(), strict=True)
        return config, [f"the point n = {width}, lambda = {strength:g}" for width, strength in points]
    seeds = [f"seed {seed}" for seed in dataset["seed"].values.tolist()] if "seed" in dataset.variables else []
    if kind not in ("observables", "mobility"):
        return config, seeds
    config, point = _without_point(config)
    return config, [f"{point}, {seed}" for seed in seeds] if kind == "mobility" else [point]


def _without_point(config: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """``config`` of a measured trajectory without its point of the run, and that point in words."""
    trajectory = dict(config.pop("trajectory", {}))
    point = {name: trajectory.pop(name, None) for name in ("temperature", "batch_size")}
    point["chi"] = config.pop("chi", None)
    if trajectory.get("anneal"):
        trajectory["anneal"] = {**trajectory["anneal"], "end": None}
    # The longest lag of SGD depends on the batch size.
    trajectory.pop("lag_max", None)
    words = ", ".join(f"{name} = {value:g}" for name, value in point.items() if value is not None)
    return {**config, "trajectory": trajectory}, words


def root_of(path: str | Path) -> Path | None:
    """The results folder of the file at ``path``: the nearest folder above with a config.yaml and a known layout."""
    path = Path(path).absolute()
    for root in list(path.parents)[1:5]:
        if (root / CONFIG).is_file() and stages.find(path.relative_to(root).as_posix()):
            return root
    return None


def opened(folder: Path) -> tuple[Path, Scenario]:
    """Absolute path and scenario of a results folder. Raises ``QuenchError`` for any other folder."""
    root = folder.absolute()
    if not (root / CONFIG).is_file():
        raise QuenchError(f"{folder}: no {CONFIG}; name the results of one scenario, as in results/default")
    return root, scenario_at(root)


@functools.cache
def scenario_at(root: Path) -> Scenario:
    """The scenario whose results are in ``root``."""
    return load_files([root / CONFIG])


def _difference(wanted: Mapping[str, Any], found: Mapping[str, Any], above: str = "") -> str:
    """The first declared parameter that a file states otherwise, in words; empty where there is none."""
    for name, value in wanted.items():
        place = f"{above}{name}"
        if isinstance(value, Mapping):
            difference = _difference(value, found.get(name) or {}, f"{place}.")
            if difference:
                return difference
        elif found.get(name, _EARLIER_DEFAULTS.get(name)) != value:
            return f"{place} is {_shortened(found.get(name))}, not {_shortened(value)}"
    return ""


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def paths_in(root: Path) -> list[Path]:
    """All NetCDF files of a results folder, except those of unfinished jobs, which have hidden folders and names."""
    found = [path for path in root.rglob("*.nc") if not any(p.startswith(".") for p in path.relative_to(root).parts)]
    return sorted(found)


def deleted(root: Path) -> dict[Path, Path]:
    """Missing files of a results folder from which existing ones are made, each with one of these.

    Snakemake does not make them again: what it needs them for is up to date. None beside an unpacked archive.
    """
    if (root / SUMS).exists():
        return {}
    declared = Paths(scenario_at(root))
    ends = [root / stages.STAGES[rule].path for rule in ("claims", "report")]
    found: dict[Path, Path] = {}
    for path in [*paths_in(root), *filter(Path.exists, ends)]:
        name = path.relative_to(root).as_posix()
        if expected.contents(declared.scenario, name) is None:
            continue
        for needed in declared.needs(*declared.job(f"{declared.folder}/{name}")):
            missing = root / needed.removeprefix(f"{declared.folder}/")
            if not missing.exists():
                found.setdefault(missing, path)
    return found


def faults(path: Path, root: Path, scenario: Scenario | None = None) -> Iterator[str]:
    """One line for each fault of the file at ``path`` below ``root``: damaged, of another kind or configuration (of
    ``scenario``, or else of the folder), made by other code, or with pictures that are missing or are not its own."""
    try:
        dataset = files.read(path)
        check(dataset, path, scenario)
        if dataset.attrs.get("kind") is None:
            yield f"{path}: not written by quench, and therefore without a checksum"
            return
        found = stages.find(path.relative_to(root).as_posix(), scenario or scenario_at(root))
        if found is None:
            return
        if dataset.attrs["code_fingerprint"] not in codes_of(dataset, found[0]):
            yield f"{path}: made by a different version of the code"
    except QuenchError as error:
        yield str(error)
        return
    for suffix, digest in files.config_of(dataset).get("pictures", {}).items():
        picture = path.with_suffix(suffix)
        if not picture.is_file():
            yield f"{picture}: missing"
        elif checksum.sha256(picture) != digest:
            yield f"{picture}: not the picture that was drawn with {path.name}"


def codes_of(dataset: xr.Dataset, stage: stages.Stage) -> set[str]:
    """Fingerprints that the present code would give a file of ``stage``: of either backend where it states none."""
    stated = files.config_of(dataset) | ({"snapshots": "streamed"} if dataset.attrs["kind"] == "streamed" else {})
    return {stage.code({"backend": backend, **stated}) for backend in _BACKENDS}
