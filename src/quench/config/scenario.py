"""A plain mapping (Snakemake's ``config``, or YAML files) becomes a checked scenario, or one line of error."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from quench.config.base import section_of
from quench.config.sections import Ensemble, Figure, Run, Scan, Scenario
from quench.data.sources import check_subset, find
from quench.dynamics.choices import LOSSES, backend_for
from quench.errors import QuenchError, nearest
from quench.figures import declared

# Sections of named entries.
TABLES = ("data", "ensembles", "scans", "runs", "classifiers", "quenches", "simulations", "external", "figures")
# The sections of a scenario that name what lies in a folder of its results; images go by the name of their source.
NAMING = {
    "data": ("data",),
    "pretrained": ("ensembles",),
    "scans": ("scans",),
    "snapshots": ("runs",),
    "observables": ("runs",),
    "mobility": ("runs",),
    "classifiers": ("classifiers",),
    "flatness": ("classifiers",),
    "drift": ("classifiers",),
    "glass": ("quenches", "simulations"),
    "external": ("external",),
    "figures": ("figures",),
}
# Smallest relative step that a stored float64 weight can show, with room for weights ten times the typical size.
MAX_CHI = 1e14


def load_files(paths: Iterable[str | Path]) -> Scenario:
    """Scenario of the first YAML file with the following ones laid over it, as ``snakemake --configfile`` does."""
    merged: dict[str, Any] = {}
    for path in paths:
        overlay(merged, read_file(path))
    return resolve(merged)


def read_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; ``QuenchError`` with line and column where it is none."""
    try:
        content = _Loader(Path(path).read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError:
        raise QuenchError(f"{path}: no such config file") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise QuenchError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise QuenchError(f"{path}: a config file must hold keys and values")
    return content


class _Loader(yaml.SafeLoader):
    """Plain YAML, in which a key that is there twice is a mistake: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} is there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def overlay(base: dict[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Lay ``upper`` over ``base`` in place: mappings merge key by key, everything else is replaced."""
    for name, value in upper.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), dict):
            overlay(base[name], value)
        else:
            base[name] = dict(value) if isinstance(value, Mapping) else value
    return base


def resolve(config: Mapping[str, Any]) -> Scenario:
    """The checked scenario; named entries set to null in an overlay are dropped.

    Raises ``QuenchError`` with the first mistake: its place, what is wrong and the nearest known name.
    """
    plain = _without_nulls(config)
    try:
        scenario = _with_external_figures(Scenario.model_validate(plain))
    except ValidationError as error:
        raise QuenchError(f"config: {_first_mistake(error)}") from None
    check(scenario)
    return scenario


def _with_external_figures(scenario: Scenario) -> Scenario:
    """Every external run has a figure of its own, unless one of that name is declared."""
    own = {
        f"external_{name}": Figure(kind="own_ageing", external=(name,), fit=run.fit, collapse=run.collapse)
        for name, run in scenario.external.items()
    }
    return scenario.model_copy(update={"figures": {**scenario.figures, **own, **scenario.figures}})


def check(scenario: Scenario) -> None:
    """What no single section can see: names that refer to others, lengths below float resolution, times off the schedule."""
    for name, data in scenario.data.items():
        if data.subset is not None:
            _in(f"data.{name}.", check_subset, data.subset, data.source)
        source = find(data.source)
        n_samples = data.subset or source.train_size
        if data.components > n_samples:
            raise QuenchError(f"config: data.{name}.components: {data.components} is more than the {n_samples} samples")
        if source.pixels is not None and data.components > source.pixels:
            raise QuenchError(
                f"config: data.{name}.components: {data.components} is more than the {source.pixels} pixels of"
                f" {data.source!r}"
            )
    for section in ("ensembles", "scans"):
        for name, networks in getattr(scenario, section).items():
            _known(f"{section}.{name}.dataset", networks.dataset, scenario.data)
            _check_labels(f"{section}.{name}", networks, scenario)
    for name, run in scenario.runs.items():
        _known(f"runs.{name}.ensemble", run.ensemble, scenario.ensembles)
        _check_run(name, run)
        _in(f"runs.{name}: ", backend_for, scenario.compute.backend, scenario.compute.device, LOSSES[0], run.optimiser)
    for name, classifier in scenario.classifiers.items():
        known = find(classifier.source).train_size
        if classifier.train_samples and classifier.train_samples > known:
            raise QuenchError(
                f"config: classifiers.{name}.train_samples: {classifier.train_samples} is more than the {known} training"
                f" images of {classifier.source!r}"
            )
    for name in scenario.quenches.keys() & scenario.simulations.keys():
        raise QuenchError(
            f"config: simulations.{name}: quenches has an entry of this name; both are results/glass files"
        )
    for name, figure in scenario.figures.items():
        _check_figure(name, figure, scenario)


# Keys of a figure that name entries of other sections.
FIGURE_SOURCES = {
    "runs": ("runs",),
    "ensembles": ("ensembles",),
    "scans": ("scans",),
    "glass": ("quenches", "simulations"),
    "classifiers": ("classifiers",),
    "external": ("external",),
}


def _check_figure(name: str, figure: Figure, scenario: Scenario) -> None:
    _in(f"figures.{name}: ", declared.check, figure.module(name), dict(figure))
    for source, sections in FIGURE_SOURCES.items():
        known = [entry for section in sections for entry in getattr(scenario, section)]
        for entry in getattr(figure, source):
            _known(f"figures.{name}.{source}", entry, known)
    for run in figure.runs:
        _check_figure_run(name, figure, scenario.runs[run], run)
    for part in ("flatness", "drift"):
        _check_part(name, part, getattr(figure, part), scenario)


def _check_part(figure: str, section: str, names: Iterable[str], scenario: Scenario) -> None:
    """Every classifier named under ``section`` of a figure has that section."""
    for name in names:
        _known(f"figures.{figure}.{section}", name, scenario.classifiers)
        if getattr(scenario.classifiers[name], section) is None:
            raise QuenchError(f"config: figures.{figure}.{section}: classifiers.{name} has no {section} section")


def _check_labels(place: str, networks: Ensemble | Scan, scenario: Scenario) -> None:
    """Only mean squares take any number; a file's own labels are looked at when it is read."""
    loss = networks.loss if isinstance(networks, Ensemble) else LOSSES[0]
    if loss != "mse" and scenario.data[networks.dataset].labels == "classes":
        raise QuenchError(f"config: {place}: loss {loss} needs labels: parity in data.{networks.dataset}")
    _in(f"{place}: ", backend_for, scenario.compute.backend, scenario.compute.device, loss)


def _check_run(name: str, run: Run) -> None:
    for chi in (run.chi, *run.more_chi):
        if chi > MAX_CHI:
            raise QuenchError(
                f"config: runs.{name}.chi: {chi:g} puts epsilon = sigma/chi below the resolution of float64 weights;"
                f" at most {MAX_CHI:g} is allowed"
            )
    for key, values in (("temperatures", run.temperatures), ("chi, more_chi", {run.chi, *run.more_chi})):
        _check_folders(f"runs.{name}.{key}", values)
    for lag in run.motility_lags:
        if lag > run.lag_max:
            raise QuenchError(f"config: runs.{name}.motility_lags: {lag} is beyond lag_max = {run.lag_max}")


def _check_folders(place: str, values: Iterable[float]) -> None:
    """Values name folders and files, with ten digits: those that differ less would share one."""
    seen: dict[str, float] = {}
    for value in values:
        other = seen.setdefault(f"{value:.10g}", value)
        if other != value:
            raise QuenchError(
                f"config: {place}: {other!r} and {value!r} are equal in ten digits, and would share a folder"
            )


def _check_figure_run(name: str, figure: Any, run: Run, run_name: str) -> None:
    for chi in figure.chis_of(run_name):
        if chi is not None and chi not in (run.chi, *run.more_chi):
            raise QuenchError(
                f"config: figures.{name}.chi: {chi:g} is not measured by run {run_name!r};"
                f" add it to its more_chi (now {[run.chi, *run.more_chi]})"
            )
    if figure.waiting_time is not None and figure.waiting_time not in run.waiting_times:
        raise QuenchError(
            f"config: figures.{name}.waiting_time: t_w = {figure.waiting_time} is not on the schedule of run"
            f" {run_name!r}: {list(run.waiting_times)}"
        )
    _check_temperatures(name, figure, run, run_name)


def _check_temperatures(name: str, figure: Any, run: Run, run_name: str) -> None:
    for temperature in figure.temperatures:
        if temperature not in run.temperatures:
            raise QuenchError(
                f"config: figures.{name}.temperatures: {temperature:g} is not measured by run {run_name!r}:"
                f" {list(run.temperatures)}"
            )


def _in(place: str, function: Any, *args: Any) -> None:
    try:
        function(*args)
    except QuenchError as error:
        raise QuenchError(f"config: {place}{error}") from None


def _known(place: str, name: str, table: Collection[str]) -> None:
    if name not in table:
        raise QuenchError(f"config: {place}: no {name!r}{nearest(name, table)}; known: {', '.join(table) or 'none'}")


def _without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the named entries that an overlay set to null; a null elsewhere stays a value."""
    plain = dict(config)
    for section in TABLES:
        if isinstance(plain.get(section), Mapping):
            plain[section] = {name: value for name, value in plain[section].items() if value is not None}
    return plain


def _first_mistake(error: ValidationError) -> str:
    mistakes = error.errors(include_url=False)
    mistake, path = mistakes[0], _place(mistakes[0]["loc"])
    place = ".".join(path)
    if mistake["type"] == "extra_forbidden":
        known = _keys_at(Scenario, path[:-1])
        return f"{place}: no such key{nearest(path[-1], known)}; known here: {', '.join(known)}"
    # A value that may be one of several things is told all of them.
    reasons = [other["msg"].removeprefix("Value error, ") for other in mistakes if _place(other["loc"]) == path]
    reason = ", or ".join(dict.fromkeys(reasons))
    given = mistake.get("input")
    shown = "" if isinstance(given, (dict, list, BaseModel)) or mistake["type"] == "missing" else f" (got {given!r})"
    return f"{place or 'scenario'}: {reason[0].lower() + reason[1:]}{shown}"


def _place(location: tuple[str | int, ...]) -> list[str]:
    """Names of keys and positions alone: what pydantic tries for a value has other characters."""
    return [str(part) for part in location if "[" not in str(part) and part != "constrained-str"]


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Field names of the section at ``path``; steps through a table of named entries take the entry's model."""
    current: Any = model
    for part in path:
        if section := section_of(current):
            current = section.model_fields[part].annotation if part in section.model_fields else None
        elif typing.get_origin(current) is dict:
            current = typing.get_args(current)[1]
    if typing.get_origin(current) is dict:
        current = typing.get_args(current)[1]
    section = section_of(current)
    return list(section.model_fields) if section else []


def as_yaml(scenario: Scenario, config: Mapping[str, Any] | None = None) -> str:
    """The whole scenario, defaults included, as YAML that resolves to the same scenario.

    With the ``config`` that it was resolved from, the entries that were dropped there are null: laid over the same
    default, too, the text resolves to the same scenario.
    """
    content = scenario.model_dump(mode="json")
    for section in TABLES:
        dropped = [name for name, value in ((config or {}).get(section) or {}).items() if value is None]
        content[section] |= dict.fromkeys(dropped)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
