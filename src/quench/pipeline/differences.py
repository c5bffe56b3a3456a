"""Two folders of results compared file by file: what differs, why it may, and whether it stays within its bound.

Equal bytes are expected of everything that compiled code of ``quench`` makes: its sums have one order on every processor.
Three things are made by libraries that choose their code by the processor:

* BLAS, LAPACK and NumPy in float64 (principal axes, interval ends, figures): ``ROUNDING`` of a variable's largest
  magnitude, which is 10 times what a sum over 784 pixels can round;
* the p-spin solver: the error that its file estimates for each number;
* torch in float32: ``TORCH``, a thousand roundings. A long chaotic training may exceed it; then only ensembles agree.

A file that is made from one that differs has the larger bound of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from quench.config.sections import Scenario
from quench.pipeline import results, stages
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths
from quench.store import files

ROUNDING = 784 * 10 * float(np.finfo(np.float64).eps)
TORCH = 1000 * float(np.finfo(np.float32).eps)
# Bounds of the rules whose files are not made by compiled code alone, with the reason.
_LIBRARIES = {
    **dict.fromkeys(
        ("dataset", "observe", "response", "mobility", "external", "figure", "pspin"),
        (ROUNDING, "BLAS and NumPy round by the processor"),
    ),
    **dict.fromkeys(("flatness", "drift"), (TORCH, "torch rounds by the processor")),
}
# Attributes that say where a file was made, and of code that is compared apart.
_PROVENANCE = frozenset({"code_fingerprint", "git_commit", "package_versions", "created_by"})


@dataclass(frozen=True)
class Difference:
    """``name`` of a file in both folders, ``what`` differs, ``why`` it may; ``allowed`` where it stays within its bound."""

    name: str
    what: str
    why: str
    allowed: bool


def compare(first: Path, second: Path, scenario: Scenario) -> Iterator[Difference]:
    """The files of ``first``, whose results ``scenario`` declares, that differ from those of ``second``, inputs first.

    Files that only one folder has are differences, too. Raises ``QuenchError`` for a damaged file.
    """
    paths = Paths(scenario)
    needs = {path.removeprefix(f"{paths.folder}/"): job.needs for path, job in jobs(paths).items()}
    found = {path.relative_to(root).as_posix() for root in (first, second) for path in results.paths_in(root)}
    bounds: dict[str, tuple[float, str]] = {}
    for name in [*(one for one in needs if one in found), *sorted(found - needs.keys())]:
        if not ((first / name).is_file() and (second / name).is_file()):
            absent = second if (first / name).is_file() else first
            yield Difference(name, f"missing in {absent}", "it was not made", False)
            continue
        if (first / name).read_bytes() == (second / name).read_bytes():
            continue
        one, other = files.read(first / name), files.read(second / name)
        inputs = [path.removeprefix(f"{paths.folder}/") for path in needs.get(name, ())]
        known = [_bound(one, name, scenario), *(bounds[path] for path in inputs if path in bounds)]
        limit, why = max(known, key=lambda bound: bound[0])
        bounds[name] = limit, why if known[0][0] == limit else f"made from a file that differs ({why})"
        if what := difference(one, other):
            yield _judged(name, what, one, other, bounds[name])


def _judged(name: str, what: str, one: xr.Dataset, other: xr.Dataset, bound: tuple[float, str]) -> Difference:
    if reason := _another_origin(one, other):
        return Difference(name, what, reason, False)
    excess = beyond(one, other, bound[0])
    return Difference(name, what, f"{bound[1]}{f'; {excess}' if excess else ''}", not excess)


def _bound(dataset: xr.Dataset, name: str, scenario: Scenario) -> tuple[float, str]:
    """Bound of the file ``name`` made from equal inputs, and why it may differ."""
    found = stages.find(name, scenario)
    if found is None:
        return 0.0, "the scenario does not declare it"
    stage = found[0]
    if stage.rule in _LIBRARIES:
        return _LIBRARIES[stage.rule]
    fused, reference = (stage.code({**files.config_of(dataset), "backend": name}) for name in ("fused", "reference"))
    if fused != reference == dataset.attrs.get("code_fingerprint"):
        return TORCH, "torch rounds by the processor"
    return 0.0, "compiled code gives equal bytes everywhere: one of the files is wrong"


def _another_origin(one: xr.Dataset, other: xr.Dataset) -> str:
    """Why two files of one name are not of one origin; empty where they are."""
    first, second = (_plain(dataset)["config"] for dataset in (one, other))
    if key := next((key for key in sorted({**first, **second}) if first.get(key) != second.get(key)), ""):
        return f"another configuration: {key} is {first.get(key)} here, {second.get(key)} there"
    if one.attrs.get("code_fingerprint") != other.attrs.get("code_fingerprint"):
        return "made by different versions of the code"
    return ""


def _plain(dataset: xr.Dataset) -> dict[str, Any]:
    """Attributes without provenance, the config without the checksums of pictures."""
    config = {key: value for key, value in files.config_of(dataset).items() if key != "pictures"}
    return {key: value for key, value in dataset.attrs.items() if key not in _PROVENANCE} | {"config": config}


def difference(one: xr.Dataset, other: xr.Dataset) -> str:
    """The first difference between the data of two files, in words; empty where there is none but of provenance."""
    if set(one.variables) != set(other.variables):
        return f"variables {', '.join(sorted(map(str, set(one.variables) ^ set(other.variables))))}"
    for name, variable in one.variables.items():
        twin = other.variables[name]
        if variable.dims != twin.dims or variable.shape != twin.shape or variable.dtype != twin.dtype:
            return f"shape or type of {name}"
        if not _equal(variable.values, twin.values):
            return f"values of {name}{_size(variable.values, twin.values)}"
        if found := _changed(variable.attrs, twin.attrs):
            return f"attribute {found} of {name}"
    found = _changed(_plain(one), _plain(other))
    return f"attribute {found}" if found else ""


def _equal(values: np.ndarray, others: np.ndarray) -> bool:
    """Whether two arrays hold the same numbers, NaN equal to NaN."""
    return values.tobytes() == others.tobytes() or bool(
        np.array_equal(values, others, equal_nan=values.dtype.kind == "f")
    )


def _size(values: np.ndarray, others: np.ndarray) -> str:
    if values.dtype.kind not in "iuf":
        return ""
    with np.errstate(invalid="ignore"):
        return f", at most {np.nanmax(np.abs(values.astype(float) - others.astype(float))):.3g}"


def beyond(one: xr.Dataset, other: xr.Dataset, bound: float) -> str:
    """The first number that differs by more than ``bound`` times its variable's largest magnitude; empty for none.

    A number with an error estimate (``x_error`` beside ``x``) may differ by its estimate, and the estimate by as much as
    its own size. Everything else of two files must be equal.
    """
    for name, variable in one.variables.items():
        twin = other.variables.get(name)
        if twin is None or variable.shape != twin.shape or variable.dtype != twin.dtype:
            return f"{name} has another form"
        values, others = variable.values, twin.values
        if values.dtype.kind != "f":
            if not np.array_equal(values, others):
                return f"{name} must be equal"
            continue
        estimate = one.variables.get(name if str(name).endswith("_error") else f"{name}_error")
        with np.errstate(invalid="ignore"):
            scale = np.nanmax(np.abs(values[np.isfinite(values)]), initial=0.0)
            allowed = bound * scale + (0.0 if estimate is None or not bound else np.nan_to_num(estimate.values))
            same = (values == others) | (np.isnan(values) & np.isnan(others))
            far = ~(same | (np.abs(values - others) <= allowed))
        if far.any():
            return f"{name} beyond the bound of {bound:.2g} of its largest magnitude"
    return ""


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first attribute that differs; empty where there is none."""
    return next((key for key in sorted({**one, **other}) if not _same(one.get(key), other.get(key))), "")


def _same(one: object, other: object) -> bool:
    return one == other if isinstance(one, dict) else bool(np.array_equal(np.asarray(one), np.asarray(other)))
