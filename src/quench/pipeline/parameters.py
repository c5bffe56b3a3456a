"""Declared parameters of every job: those that its command receives as options and that its file must state.

A function for each stage takes the scenario and the wildcards of a job. It returns ``None`` for a file that the scenario
does not declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from quench.config.backends import Engines
from quench.config.base import Section
from quench.config.classifiers import Classifier
from quench.config.external import External
from quench.config.sections import Run, Scenario
from quench.theory.pspin.times import listed


@dataclass(frozen=True)
class Parameters:
    """Parameters of one job.

    ``shared``: options of the command that its file states under the same name; ``options``: other options;
    ``config``: other parameters that the file states; ``coordinates``: values of the file's coordinates.
    """

    shared: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    coordinates: Mapping[str, list[Any]] = field(default_factory=dict)

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
        ensemble.options(),
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
        section.options(),
        {"points": points, "seeds": _first_last(section), **_engine(scenario, Engines(scenario).scans())},
        _learnt(scenario, section.dataset),
        {**coordinates, "seed": _seeds(section)},
    )


def run(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    section = scenario.runs[job["run"]]
    if job["point"] not in section.points:
        return None
    value = section.points[job["point"]]
    dynamics = section.at(value).parameters()
    config: dict[str, Any] = {"anneal": dynamics.pop("anneal")} if "anneal" in dynamics else {}
    foreign = {"momentum", "drop_last", "betas"} - dynamics.keys()
    shared = {name: one for name, one in (section.options() | dynamics).items() if name not in foreign}
    options = {name: shared.pop(name) for name in list(shared) if name.startswith("anneal_")}
    if scenario.compute.snapshots == "streamed":
        chis = dict.fromkeys(f"{chi:.10g}" for chi in (section.chi, *section.more_chi))
        options |= {"snapshots": "streamed", "chi": tuple(chis), **_measured(section)}
        if _single_weights_shown(scenario, job["run"], value):
            options["mobility"] = (max(section.waiting_times), section.lag_max)
    ensemble = scenario.ensembles[section.ensemble]
    config["prepared"] = {**ensemble.options(), **_learnt(scenario, ensemble.dataset)}
    return Parameters(
        {**shared, "lag_max": section.lag_max_at(dynamics.get("batch_size"))},
        {**options, **_engine(scenario, Engines(scenario).run(job["run"]))},
        {**config, "precision": scenario.compute.precision},
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
        {"trajectory": trajectory, "include_output_layer": section.include_output_layer, "control": False},
        {"seed": _seeds(scenario.ensembles[section.ensemble])},
    )


def response(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    """Those of ``observe`` at the run's own chi; None where there is no thermal noise to respond to."""
    section = scenario.runs[job["run"]]
    if section.dynamics != "langevin" or not section.points.get(job["point"]):
        return None
    found = observe(scenario, {**job, "chi": f"{section.chi:.10g}"})
    return found and replace(found, config={**found.config, "control": has_control(scenario, job["run"])})


def has_control(scenario: Scenario, run: str) -> bool:
    """Whether the displacement at T = 0 is known: the run has that point, and its snapshots are kept."""
    return scenario.compute.snapshots == "full" and "T0" in scenario.runs[run].points


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


def curvature(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    """At the coldest point of a Langevin run, whose snapshots must be kept; None elsewhere."""
    section = scenario.runs[job["run"]]
    trajectory = _trajectory(scenario, job)
    cold = section.dynamics == "langevin" and section.points.get(job["point"]) == min(section.temperatures)
    if trajectory is None or not cold or scenario.compute.snapshots != "full":
        return None
    engine = _engine(scenario, Engines(scenario).ensemble(section.ensemble))
    return Parameters(
        {"waiting_time": max(section.waiting_times)},
        {name: engine[name] for name in ("backend", "device")},
        {"trajectory": trajectory},
        {"seed": _span(job["seeds"])},
    )


def external(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.external[job["external"]]
    return Parameters(
        {} if section.chi is None else {"chi": section.chi},
        {"waiting_times": section.waiting_times, **_measured(section)},
        {"include_output_layer": section.include_output_layer},
    )


def train(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    classifier = scenario.classifiers[job["classifier"]]
    return Parameters(
        {**classifier.options(), "keep": classifier.keep},
        _updates(scenario, job["classifier"]),
        {"source": classifier.source},
        {"seed": _span(job["seeds"])},
    )


def flatness(scenario: Scenario, job: Mapping[str, str]) -> Parameters | None:
    classifier = scenario.classifiers[job["classifier"]]
    if classifier.flatness is None:
        return None
    shared = _given(classifier.flatness)
    times = shared.pop("times")
    return Parameters(
        shared,
        {"times": times, "device": Engines(scenario).device(job["classifier"])},
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
        {**dict(section), **_updates(scenario, job["classifier"])},
        {"training": _choices(classifier)},
        {"waiting_time": list(section.starts), "seed": _seeds(classifier)[: section.networks]},
    )


def pspin(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    quench = scenario.quenches[job["quench"]]
    shared = _given(quench)
    times = {name: shared.pop(f"{name}s") for name in ("time", "waiting_time", "lag")}
    chosen = {name: shared.pop(name) for name in ("p", "terms", "initial_temperature") if name in shared}
    return Parameters(
        shared,
        chosen | {f"{name}s": text for name, text in times.items()},
        quench.model().stated(),
        coordinates={name: listed(text, name) for name, text in times.items()},
    )


def simulation(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.simulations[job["simulation"]]
    shared = _given(section)
    spins = shared.pop("spins")
    return Parameters(
        shared, {"spins": spins, "seeds": _first_last(section)}, {"n_spins": spins, "seeds": _seeds(section)}
    )


def figure(scenario: Scenario, job: Mapping[str, str]) -> Parameters:
    section = scenario.figures[job["figure"]]
    return Parameters({"scale": scenario.scale, **section.options()}, config={"figure": section.module(job["figure"])})


def _updates(scenario: Scenario, classifier: str) -> dict[str, str]:
    engines = Engines(scenario)
    return {"backend": engines.classifier(classifier), "device": engines.device(classifier)}


def _engine(scenario: Scenario, backend: str) -> dict[str, str]:
    return {"backend": backend, "device": scenario.compute.device, "precision": scenario.compute.precision}


def _learnt(scenario: Scenario, name: str) -> dict[str, Any]:
    """Parameters that a file of trained networks states beside its own."""
    return {"dataset": dict(scenario.data[name]), "precision": scenario.compute.precision}


def _single_weights_shown(scenario: Scenario, run: str, temperature: float) -> bool:
    """Whether a figure shows the single weights of a run at a temperature."""
    return any(
        run in figure.mobility and (not figure.temperatures or temperature in figure.temperatures)
        for figure in scenario.figures.values()
    )


def _trajectory(scenario: Scenario, job: Mapping[str, str]) -> dict[str, Any] | None:
    """Parameters that the file of a run states, whatever its seeds."""
    found = run(scenario, {"seeds": "0-0", **job})
    return {**found.shared, **found.config} if found else None


def _measured(section: Run | External) -> dict[str, Any]:
    return {"motility_lags": section.motility_lags, "hidden_only": not section.include_output_layer}


def _choices(classifier: Classifier) -> dict[str, Any]:
    """Parameters of a classifier's training."""
    return {**classifier.options(), "source": classifier.source, "keep": classifier.keep}


def _given(section: Section) -> dict[str, Any]:
    """Options with a value; the command chooses the others."""
    return {key: value for key, value in section.options().items() if value is not None}


def _span(text: str) -> list[int]:
    first, last = map(int, text.split("-"))
    return list(range(first, last + 1))


def _seeds(section: Any) -> list[int]:
    return list(range(section.first_seed, section.first_seed + section.seeds))


def _first_last(section: Any) -> str:
    return f"{section.first_seed}-{section.first_seed + section.seeds - 1}"
