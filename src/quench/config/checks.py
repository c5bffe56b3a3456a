"""Checks across sections: names that refer to other entries, lengths below float resolution, times off the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from quench.config.base import Section, references, tables
from quench.config.classifiers import Classifier
from quench.config.external import External
from quench.config.glass import Simulation
from quench.config.scans import Scan
from quench.config.sections import Data, Ensemble, Figure, Run, Scenario
from quench.data.sources import check_subset, find
from quench.dynamics.choices import LOSSES, backend_for, classifier_backend
from quench.errors import QuenchError, nearest
from quench.figures import declared
from quench.networks.models import MODELS

# Relative step at the resolution of a stored float64 weight, with a margin for weights ten times the typical size.
MAX_CHI = 1e14


def mistakes(scenario: Scenario) -> Iterator[str]:
    """All mistakes that no single section can notice, each with its place."""
    for table in tables(Scenario):
        for name, entry in getattr(scenario, table).items():
            unknown = list(_unknown_references(f"{table}.{name}", entry, scenario))
            yield from unknown
            # The other checks follow the references.
            if table in _CHECKS and not unknown:
                yield from _CHECKS[table](name, entry, scenario)


def _unknown_references(place: str, entry: Section, scenario: Scenario) -> Iterator[str]:
    """Every name under a key must exist in its tables, and have the section of that key where entries have one."""
    for key, names in references(type(entry)).items():
        known = {name: one for table in names for name, one in getattr(scenario, table).items()}
        given = getattr(entry, key)
        for name in [given] if isinstance(given, str) else given:
            if name not in known:
                yield f"{place}.{key}: no {name!r}{nearest(name, known)}; known: {', '.join(known) or 'none'}"
            elif getattr(known[name], key, True) is None:
                yield f"{place}.{key}: {names[0]}.{name} has no {key} section"


def _data(name: str, data: Data, _scenario: Scenario) -> Iterator[str]:
    place = f"data.{name}.source"
    if unread := [*_file_name(place, data.source)] or [*_raised(f"{place}: ", find, data.source)]:
        yield from unread
        return
    if data.subset is not None:
        yield from _raised(f"data.{name}.", check_subset, data.subset, data.source)
    source = find(data.source)
    n_samples = data.subset or source.train_size
    if data.components > n_samples:
        yield f"data.{name}.components: {data.components} is more than the {n_samples} samples"
    elif data.components > source.features:
        yield (
            f"data.{name}.components: {data.components} is more than the {source.features} features of {data.source!r}"
        )


def _external(name: str, run: External, _scenario: Scenario) -> Iterator[str]:
    for path in run.snapshots:
        yield from _file_name(f"external.{name}.snapshots", path)


def _file_name(place: str, path: str) -> Iterator[str]:
    """Snakemake takes braces in the name of an input for wildcards, and logs have one line per file."""
    if not path or not set(path).isdisjoint("{}\n\r\0"):
        yield f"{place}: {path!r}: a file name without braces or line breaks is needed; rename or link the file"


def _ensemble(name: str, ensemble: Ensemble, scenario: Scenario) -> Iterator[str]:
    return _labels(f"ensembles.{name}", ensemble.dataset, ensemble.loss, scenario)


def _scan(name: str, scan: Scan, scenario: Scenario) -> Iterator[str]:
    return _labels(f"scans.{name}", scan.dataset, LOSSES[0], scenario)


def _labels(place: str, dataset: str, loss: str, scenario: Scenario) -> Iterator[str]:
    """Only the mean square takes any number as a label; labels given in a file are checked when it is read."""
    if loss != "mse" and scenario.data[dataset].labels == "classes":
        yield f"{place}: loss {loss} needs labels: parity in data.{dataset}"
    yield from _raised(f"{place}: ", backend_for, scenario.compute.backend, scenario.compute.device, loss)


def _run(name: str, run: Run, scenario: Scenario) -> Iterator[str]:
    for chi in (run.chi, *run.more_chi):
        if chi > MAX_CHI:
            yield (
                f"runs.{name}.chi: {chi:g} puts epsilon = sigma/chi below the resolution of float64 weights;"
                f" at most {MAX_CHI:g} is allowed"
            )
    for key, values in (("temperatures", run.temperatures), ("chi, more_chi", {run.chi, *run.more_chi})):
        yield from _folders(f"runs.{name}.{key}", values)
    for lag in run.motility_lags:
        if lag > run.lag_max:
            yield f"runs.{name}.motility_lags: {lag} is beyond lag_max = {run.lag_max}"
    engine = scenario.compute.backend, scenario.compute.device, LOSSES[0], run.optimiser
    yield from _raised(f"runs.{name}: ", backend_for, *engine)


def _folders(place: str, values: Iterable[float]) -> Iterator[str]:
    """Values name folders and files with ten digits; two that are equal in ten digits would share one."""
    seen: dict[str, float] = {}
    for value in values:
        other = seen.setdefault(f"{value:.10g}", value)
        if other != value:
            yield f"{place}: {other!r} and {value!r} are equal in ten digits, and would share a folder"


def _classifier(name: str, classifier: Classifier, scenario: Scenario) -> Iterator[str]:
    kind, device = MODELS[classifier.model].kind, classifier.device or scenario.compute.device
    engine = scenario.compute.backend, device, kind, classifier.weight_decay
    yield from _raised(f"classifiers.{name}: ", classifier_backend, *engine)
    known, _ = find(classifier.source).split_sizes
    if classifier.train_samples and classifier.train_samples > known:
        yield (
            f"classifiers.{name}.train_samples: {classifier.train_samples} is more than the {known} training"
            f" images of {classifier.source!r}"
        )


def _simulation(name: str, _simulation: Simulation, scenario: Scenario) -> Iterator[str]:
    if name in scenario.quenches:
        yield f"simulations.{name}: quenches has an entry of this name; both are results/glass files"


def _figure(name: str, figure: Figure, scenario: Scenario) -> Iterator[str]:
    place = f"figures.{name}"
    yield from _raised(f"{place}: ", declared.check, figure.module(name), dict(figure))
    for run_name in figure.runs:
        run = scenario.runs[run_name]
        measured = (run.chi, *run.more_chi)
        absent = [chi for chi in figure.chis_of(run_name) if chi is not None and chi not in measured]
        if absent:
            yield (
                f"{place}.chi: run {run_name!r} does not measure {_listed(absent)};"
                f" add it to its more_chi (now {_listed(measured)})"
            )
        if figure.waiting_time is not None and figure.waiting_time not in run.waiting_times:
            yield (
                f"{place}.waiting_time: t_w = {figure.waiting_time} is not on the schedule of run"
                f" {run_name!r}: {list(run.waiting_times)}"
            )
    for run_name in figure.replicas:
        if scenario.runs[run_name].optimiser != "langevin" or not any(scenario.runs[run_name].temperatures):
            yield f"{place}.replicas: run {run_name!r} has no Langevin noise of one temperature above 0"
    for run_name in dict.fromkeys((*figure.runs, *figure.mobility, *figure.replicas)):
        measured = scenario.runs[run_name].temperatures
        absent = [temperature for temperature in figure.temperatures if temperature not in measured]
        if absent:
            yield (
                f"{place}.temperatures: run {run_name!r} does not measure {_listed(absent)};"
                f" its temperatures are {_listed(measured)}"
            )


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "none"


_CHECKS: dict[str, Callable[[str, Any, Scenario], Iterator[str]]] = {
    "data": _data,
    "external": _external,
    "ensembles": _ensemble,
    "scans": _scan,
    "runs": _run,
    "classifiers": _classifier,
    "simulations": _simulation,
    "figures": _figure,
}


def _raised(place: str, function: Callable[..., object], *args: object) -> Iterator[str]:
    """The ``QuenchError`` of a call, at its place."""
    try:
        function(*args)
    except QuenchError as error:
        yield f"{place}{error}"
