"""Checks across sections: names that refer to other entries, lengths below float resolution, times off the schedule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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


def check(scenario: Scenario) -> None:
    """Raise ``QuenchError`` for the first mistake that no single section can notice."""
    for table in tables(Scenario):
        for name, entry in getattr(scenario, table).items():
            _check_references(f"{table}.{name}", entry, scenario)
            if table in _CHECKS:
                _CHECKS[table](name, entry, scenario)


def _check_references(place: str, entry: Section, scenario: Scenario) -> None:
    """Every name under a key must exist in its tables, and have the section of that key where entries have one."""
    for key, names in references(type(entry)).items():
        known = {name: one for table in names for name, one in getattr(scenario, table).items()}
        given = getattr(entry, key)
        for name in [given] if isinstance(given, str) else given:
            _known(f"{place}.{key}", name, known)
            if getattr(known[name], key, True) is None:
                raise QuenchError(f"config: {place}.{key}: {names[0]}.{name} has no {key} section")


def _check_data(name: str, data: Data, _scenario: Scenario) -> None:
    _check_file_name(f"data.{name}.source", data.source)
    if data.subset is not None:
        _at(f"data.{name}.", check_subset, data.subset, data.source)
    source = find(data.source)
    n_samples = data.subset or source.train_size
    if data.components > n_samples:
        raise QuenchError(f"config: data.{name}.components: {data.components} is more than the {n_samples} samples")
    if data.components > source.features:
        raise QuenchError(
            f"config: data.{name}.components: {data.components} is more than the {source.features} features of"
            f" {data.source!r}"
        )


def _check_external(name: str, run: External, _scenario: Scenario) -> None:
    for path in run.snapshots:
        _check_file_name(f"external.{name}.snapshots", path)


def _check_file_name(place: str, path: str) -> None:
    """Snakemake takes braces in the name of an input for wildcards, and logs have one line per file."""
    if not path or not set(path).isdisjoint("{}\n\r\0"):
        raise QuenchError(
            f"config: {place}: {path!r}: a file name without braces or line breaks is needed; rename or link the file"
        )


def _check_ensemble(name: str, ensemble: Ensemble, scenario: Scenario) -> None:
    _check_labels(f"ensembles.{name}", ensemble.dataset, ensemble.loss, scenario)


def _check_scan(name: str, scan: Scan, scenario: Scenario) -> None:
    _check_labels(f"scans.{name}", scan.dataset, LOSSES[0], scenario)


def _check_labels(place: str, dataset: str, loss: str, scenario: Scenario) -> None:
    """Only the mean square takes any number as a label; labels given in a file are checked when it is read."""
    if loss != "mse" and scenario.data[dataset].labels == "classes":
        raise QuenchError(f"config: {place}: loss {loss} needs labels: parity in data.{dataset}")
    _at(f"{place}: ", backend_for, scenario.compute.backend, scenario.compute.device, loss)


def _check_run(name: str, run: Run, scenario: Scenario) -> None:
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
    _at(f"runs.{name}: ", backend_for, scenario.compute.backend, scenario.compute.device, LOSSES[0], run.optimiser)


def _check_folders(place: str, values: Iterable[float]) -> None:
    """Values name folders and files with ten digits; two that are equal in ten digits would share one."""
    seen: dict[str, float] = {}
    for value in values:
        other = seen.setdefault(f"{value:.10g}", value)
        if other != value:
            raise QuenchError(
                f"config: {place}: {other!r} and {value!r} are equal in ten digits, and would share a folder"
            )


def _check_classifier(name: str, classifier: Classifier, scenario: Scenario) -> None:
    kind, device = MODELS[classifier.model].kind, classifier.device or scenario.compute.device
    _at(f"classifiers.{name}: ", classifier_backend, scenario.compute.backend, device, kind, classifier.weight_decay)
    known, _ = find(classifier.source).split_sizes
    if classifier.train_samples and classifier.train_samples > known:
        raise QuenchError(
            f"config: classifiers.{name}.train_samples: {classifier.train_samples} is more than the {known} training"
            f" images of {classifier.source!r}"
        )


def _check_simulation(name: str, _simulation: Simulation, scenario: Scenario) -> None:
    if name in scenario.quenches:
        raise QuenchError(
            f"config: simulations.{name}: quenches has an entry of this name; both are results/glass files"
        )


def _check_figure(name: str, figure: Figure, scenario: Scenario) -> None:
    _at(f"figures.{name}: ", declared.check, figure.module(name), dict(figure))
    for run_name in figure.runs:
        run = scenario.runs[run_name]
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
        check_temperatures(name, figure, run_name, scenario)


def check_temperatures(name: str, figure: Figure, run: str, scenario: Scenario) -> None:
    """Raise ``QuenchError`` where a figure shows a temperature that a run does not measure."""
    measured = scenario.runs[run].temperatures
    for temperature in figure.temperatures:
        if temperature not in measured:
            raise QuenchError(
                f"config: figures.{name}.temperatures: {temperature:g} is not measured by run {run!r}: {list(measured)}"
            )


_CHECKS: dict[str, Callable[[str, Any, Scenario], None]] = {
    "data": _check_data,
    "external": _check_external,
    "ensembles": _check_ensemble,
    "scans": _check_scan,
    "runs": _check_run,
    "classifiers": _check_classifier,
    "simulations": _check_simulation,
    "figures": _check_figure,
}


def _at(place: str, function: Callable[..., object], *args: object) -> None:
    """Call ``function``; its ``QuenchError`` names the place."""
    try:
        function(*args)
    except QuenchError as error:
        raise QuenchError(f"config: {place}{error}") from None


def _known(place: str, name: str, table: Collection[str]) -> None:
    if name not in table:
        raise QuenchError(f"config: {place}: no {name!r}{nearest(name, table)}; known: {', '.join(table) or 'none'}")
