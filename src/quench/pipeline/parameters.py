"""Declared parameters of every job: those that its command receives as options and that its file must state.

A function for each stage takes the scenario and the wildcards of a job. It returns ``None`` for a file that the scenario
does not declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quench.config.backends import Engines
from quench.config.classifiers import Classifier
from quench.config.external import External
from quench.config.sections import Ensemble, Run, Scenario
from quench.config.times import listed


@dataclass(frozen=True)
class Parameters:
    """Parameters of one job.

    ``shared``: options of the command that its file states under the same name; ``options``: other options;
    ``config``: other parameters that the file states; ``coordinates``: values of the file's coordinates.
    """

    shared: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    coordinates: Mapping[str, list] = field(default_factory=dict)

    def all(self) -> dict[str, Any]:
        return {**self.shared, **self.options, **self.config}


def nothing(_scenario: Scenario, _job: Mapping[str, str]) -> Parameters:
    return Parameters()


def dataset(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    return Parameters(dict(scenario.data[job["dataset"]]), {"data_root": scenario.data_root})


def images(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    return Parameters({"source": job["source"]}, {"data_root": scenario.data_root})


def pretrain(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    ensemble = scenario.ensembles[job["ensemble"]]
    backend = Engines(scenario).ensemble(job["ensemble"])
    return Parameters(
        _prepared(ensemble),
        {"seeds": job["seeds"], **_engine(scenario, backend)},
        _learnt(scenario, ensemble.dataset),
        {"seed": _span(job["seeds"])},
    )


def scan(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.scans[job["scan"]]
    span = _span(job["part"])
    points = tuple(section.points[span[0] : span[-1] + 1])
    coordinates = {name: [point[i] for point in points] for i, name in enumerate(("width", "weight_decay"))}
    return Parameters(
        {"depth": section.depth, **dict(section.sgd)},
        {"points": points, "seeds": _first_last(section), **_engine(scenario, Engines(scenario).scans())},
        _learnt(scenario, section.dataset),
        {**coordinates, "seed": _seeds(section)},
    )


def run(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    section = scenario.runs[job["run"]]
    if job["point"] not in section.points:
        return None
    value = section.points[job["point"]]
    if section.dynamics == "langevin":
        anneal = dict(section.anneal) if section.anneal else {}
        shared = {"temperature": value, "lag_max": section.lag_max_at()}
        options = {f"anneal_{key}": value for key, value in anneal.items()}
        config = {"anneal": {**anneal, "end": value} if anneal else None}
    else:
        shared = {"batch_size": value, "lag_max": section.lag_max_at(int(value))}
        shared |= {"betas": section.betas} if section.dynamics == "adam" else {"momentum": section.momentum}
        options, config = {}, {}
    if scenario.compute.snapshots == "streamed":
        chis = dict.fromkeys(f"{chi:.10g}" for chi in (section.chi, *section.more_chi))
        options |= {"snapshots": "streamed", "chi": tuple(chis), **_measured(section)}
    ensemble = scenario.ensembles[section.ensemble]
    prepared = {**_prepared(ensemble), **_learnt(scenario, ensemble.dataset)}
    names = ("dynamics", "step_size", "waiting_times", "dense", "per_decade")
    return Parameters(
        {**{name: getattr(section, name) for name in names}, **shared},
        {**options, **_engine(scenario, Engines(scenario).run(job["run"]))},
        {"prepared": prepared, "precision": scenario.compute.precision, **config},
        {"seed": _span(job["seeds"])},
    )


def observe(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    section = scenario.runs[job["run"]]
    trajectory = _trajectory(scenario, job)
    if trajectory is None:
        return None
    return Parameters(
        {"chi": float(job["chi"]), "waiting_times": section.waiting_times},
        _measured(section),
        {"trajectory": trajectory, "include_output_layer": section.include_output_layer},
        {"seed": _seeds(scenario.ensembles[section.ensemble])},
    )


def mobility(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    section = scenario.runs[job["run"]]
    trajectory = _trajectory(scenario, job)
    if trajectory is None:
        return None
    return Parameters(
        {"waiting_time": max(section.waiting_times), "lag": section.lag_max},
        _engine(scenario, Engines(scenario).ensemble(section.ensemble)),
        {"trajectory": trajectory},
        {"seed": _span(job["seeds"])},
    )


def external(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.external[job["external"]]
    return Parameters(
        {"chi": section.chi},
        {"waiting_times": section.waiting_times, **_measured(section)},
        {"include_output_layer": section.include_output_layer},
    )


def train(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    classifier = scenario.classifiers[job["classifier"]]
    choices = _choices(classifier)
    source = choices.pop("source")
    return Parameters(choices, {"device": scenario.compute.device}, {"source": source}, {"seed": _span(job["seeds"])})


def flatness(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    classifier = scenario.classifiers[job["classifier"]]
    if classifier.flatness is None:
        return None
    shared = _given(classifier.flatness)
    times = shared.pop("times")
    return Parameters(
        shared,
        {"times": times, "device": scenario.compute.device},
        {"training": _choices(classifier)},
        {"time": list(times), "seed": _seeds(classifier)},
    )


def drift(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    classifier = scenario.classifiers[job["classifier"]]
    section = classifier.drift
    if section is None:
        return None
    return Parameters(
        {},
        {**dict(section), "device": scenario.compute.device},
        {"training": _choices(classifier)},
        {"waiting_time": list(section.starts), "seed": _seeds(classifier)[: section.networks]},
    )


def pspin(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    quench = scenario.quenches[job["quench"]]
    shared = _given(quench)
    times = {name: shared.pop(f"{name}s") for name in ("time", "waiting_time", "lag")}
    return Parameters(
        shared,
        {f"{name}s": text for name, text in times.items()},
        coordinates={name: listed(text, name) for name, text in times.items()},
    )


def simulation(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.simulations[job["simulation"]]
    shared = _given(section, "spins", "seeds", "first_seed")
    options = {"spins": section.spins, "seeds": _first_last(section)}
    return Parameters(shared, options, {"n_spins": section.spins, "seeds": _seeds(section)})


def figure(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.figures[job["figure"]]
    return Parameters({"scale": scenario.scale, **section.choices}, config={"figure": section.module(job["figure"])})


def _engine(scenario: Scenario, backend: str) -> dict[str, str]:
    return {"backend": backend, "device": scenario.compute.device, "precision": scenario.compute.precision}


def _learnt(scenario: Scenario, name: str) -> dict[str, Any]:
    """Parameters that a file of trained networks states beside its own."""
    return {"dataset": dict(scenario.data[name]), "precision": scenario.compute.precision}


def _prepared(ensemble: Ensemble) -> dict[str, Any]:
    names = ("width", "depth", "loss", "weight_decay")
    return {**{name: getattr(ensemble, name) for name in names}, **dict(ensemble.sgd)}


def _trajectory(scenario: Scenario, job: Mapping[str, str]) -> dict[str, Any] | None:
    """Parameters that the file of a run states, whatever its seeds."""
    found = run(scenario, {"seeds": "0-0", **job})
    return {**found.shared, **found.config} if found else None


def _measured(section: Run | External) -> dict[str, Any]:
    return {"motility_lags": section.motility_lags, "hidden_only": not section.include_output_layer}


def _choices(classifier: Classifier) -> dict[str, Any]:
    """Parameters of a classifier's training."""
    left_out = {"seeds", "first_seed", "chunk", "flatness", "drift"}
    return {key: value for key, value in dict(classifier).items() if key not in left_out} | {"keep": classifier.keep}


def _given(section: Any, *left_out: str) -> dict[str, Any]:
    """Keys of ``section`` that have a value; the command replaces the others by its own."""
    return {key: value for key, value in dict(section).items() if value is not None and key not in left_out}


def _span(text: str) -> list[int]:
    first, last = map(int, text.split("-"))
    return list(range(first, last + 1))


def _seeds(section: Any) -> list[int]:
    return list(range(section.first_seed, section.first_seed + section.seeds))


def _first_last(section: Any) -> str:
    return f"{section.first_seed}-{section.first_seed + section.seeds - 1}"
