"""What a file of a results folder must hold, by its name: the counterpart of ``quench.pipeline.paths``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quench.config.glass import Quench
from quench.config.scenario import NAMING
from quench.config.sections import Ensemble, Run, Scenario
from quench.config.times import listed

_NAME = "[a-z][a-z0-9_]*"
_SEEDS = r"(?P<first>\d+)-(?P<last>\d+)"
_POINT = rf"(?P<name>{_NAME})/(?P<point>[TB][0-9.e+-]+)"
STAGES = {
    stage: re.compile(pattern + r"\.nc")
    for stage, pattern in {
        "data": rf"data/(?P<name>{_NAME})",
        "images": r"images/(?P<name>[a-z0-9]+)",
        "pretrained": rf"pretrained/(?P<name>{_NAME})/{_SEEDS}",
        "snapshots": rf"snapshots/{_POINT}/{_SEEDS}",
        "observables": rf"observables/{_POINT}/chi(?P<chi>[0-9.e+-]+)",
        "mobility": rf"mobility/{_POINT}/{_SEEDS}",
        "scans": rf"scans/(?P<name>{_NAME})/{_SEEDS}",
        "classifiers": rf"classifiers/(?P<name>{_NAME})/{_SEEDS}",
        "flatness": rf"flatness/(?P<name>{_NAME})",
        "drift": rf"drift/(?P<name>{_NAME})",
        "glass": rf"glass/(?P<name>{_NAME})",
        "external": rf"external/(?P<name>{_NAME})",
        "figures": rf"figures/(?P<name>{_NAME})",
    }.items()
}


@dataclass(frozen=True)
class Belonging:
    """What a file of a name must hold: its kinds, the part of its resolved parameters that is declared, coordinates."""

    kinds: tuple[str, ...]
    config: Mapping[str, Any]
    coordinates: Mapping[str, list] = field(default_factory=dict)


def stage_of(name: str) -> str | None:
    """The stage that a file of a results folder belongs to, by its ``name`` relative to it; None for an unknown one."""
    return next((stage for stage, pattern in STAGES.items() if pattern.fullmatch(name)), None)


def belonging(scenario: Scenario, name: str) -> Belonging | None:
    """What the file ``name`` of a results folder must hold; None for one that ``scenario`` does not ask for."""
    stage = stage_of(name)
    if stage is None:
        return None
    match = STAGES[stage].fullmatch(name)
    assert match is not None
    parts = match.groupdict()
    if stage == "images":
        return Belonging(("images",), {"source": parts["name"]})
    tables = (getattr(scenario, section) for section in NAMING[stage])
    section = next((table[parts["name"]] for table in tables if parts["name"] in table), None)
    return None if section is None else _BELONGING[stage](scenario, section, parts)


def _data(_scenario: Scenario, section: Any, _parts: Mapping[str, str]) -> Belonging:
    return Belonging(("dataset",), dict(section))


def _prepared(scenario: Scenario, ensemble: Ensemble) -> dict[str, Any]:
    return {
        "dataset": dict(scenario.data[ensemble.dataset]),
        "width": ensemble.width,
        "depth": ensemble.depth,
        "loss": ensemble.loss,
        "weight_decay": ensemble.weight_decay,
        **dict(ensemble.sgd),
        "precision": scenario.compute.precision,
    }


def _pretrained(scenario: Scenario, ensemble: Ensemble, parts: Mapping[str, str]) -> Belonging:
    return Belonging(("pretrained",), _prepared(scenario, ensemble), {"seed": _span(parts)})


def _trajectory(scenario: Scenario, run: Run, point: str) -> dict[str, Any] | None:
    """Declared parameters of a run at ``point``, a folder's name; None where the run has no such point."""
    if point not in run.points:
        return None
    at = {"temperature" if run.dynamics == "langevin" else "batch_size": run.points[point]}
    return {
        "prepared": _prepared(scenario, scenario.ensembles[run.ensemble]),
        "dynamics": run.dynamics,
        **at,
        **_told(run, at),
        "step_size": run.step_size,
        "waiting_times": run.waiting_times,
        "lag_max": run.lag_max_at(at.get("batch_size")),
        "dense": run.dense,
        "per_decade": run.per_decade,
        "precision": scenario.compute.precision,
    }


def _told(run: Run, point: Mapping[str, Any]) -> dict[str, Any]:
    """What the dynamics of a run is told besides its temperature or batch size."""
    if run.dynamics == "langevin":
        return {"anneal": run.anneal and {**dict(run.anneal), "end": point["temperature"]}}
    return {"betas": run.betas} if run.dynamics == "adam" else {"momentum": run.momentum}


def _snapshots(scenario: Scenario, run: Run, parts: Mapping[str, str]) -> Belonging | None:
    trajectory = _trajectory(scenario, run, parts["point"])
    return trajectory and Belonging(("snapshots", "streamed"), trajectory, {"seed": _span(parts)})


def _observables(scenario: Scenario, run: Run, parts: Mapping[str, str]) -> Belonging | None:
    trajectory = _trajectory(scenario, run, parts["point"])
    measured = {
        "trajectory": trajectory,
        "chi": float(parts["chi"]),
        "waiting_times": run.waiting_times,
        "include_output_layer": run.include_output_layer,
    }
    seeds = _seeds(scenario.ensembles[run.ensemble])
    return trajectory and Belonging(("observables",), measured, {"seed": seeds})


def _mobility(scenario: Scenario, run: Run, parts: Mapping[str, str]) -> Belonging | None:
    trajectory = _trajectory(scenario, run, parts["point"])
    measured = {"trajectory": trajectory, "waiting_time": max(run.waiting_times), "lag": run.lag_max}
    return trajectory and Belonging(("mobility",), measured, {"seed": _span(parts)})


def _scans(scenario: Scenario, scan: Any, parts: Mapping[str, str]) -> Belonging:
    points = scan.points[int(parts["first"]) : int(parts["last"]) + 1]
    config = {
        "dataset": dict(scenario.data[scan.dataset]),
        "depth": scan.depth,
        **dict(scan.sgd),
        "precision": scenario.compute.precision,
    }
    widths, strengths = [list(values) for values in zip(*points, strict=True)] if points else ([], [])
    return Belonging(("scan",), config, {"width": widths, "weight_decay": strengths, "seed": _seeds(scan)})


def _choices(classifier: Any) -> dict[str, Any]:
    kept_apart = {"seeds", "first_seed", "flatness", "drift"}
    return {name: value for name, value in dict(classifier).items() if name not in kept_apart} | {
        "keep": classifier.keep
    }


def _classifiers(_scenario: Scenario, classifier: Any, parts: Mapping[str, str]) -> Belonging:
    return Belonging(("training",), _choices(classifier), {"seed": _span(parts)})


def _flatness(_scenario: Scenario, classifier: Any, _parts: Mapping[str, str]) -> Belonging | None:
    part = classifier.flatness
    config = {"training": _choices(classifier)}
    if part is None:
        return None
    declared = {"method": part.method, "probes": part.probes, "lanczos_steps": part.lanczos_steps}
    sampled = {} if part.samples is None else {"samples": part.samples}
    times = {"time": list(part.times), "seed": _seeds(classifier)}
    return Belonging(("flatness",), config | declared | sampled, times)


def _drift(_scenario: Scenario, classifier: Any, _parts: Mapping[str, str]) -> Belonging | None:
    part = classifier.drift
    if part is None:
        return None
    coordinates = {"waiting_time": list(part.starts), "seed": _seeds(classifier)[: part.networks]}
    return Belonging(("drift",), {"training": _choices(classifier)}, coordinates)


def _glass(_scenario: Scenario, section: Any, _parts: Mapping[str, str]) -> Belonging:
    return _quench(section) if isinstance(section, Quench) else _simulation(section)


def _simulation(simulation: Any) -> Belonging:
    names = ("temperature", "times", "waiting_times", "lags", "step", "replicas")
    config = {name: getattr(simulation, name) for name in names}
    return Belonging(("glass",), config | {"n_spins": simulation.spins, "seeds": _seeds(simulation)})


def _quench(quench: Any) -> Belonging:
    names = ("p", "temperature", "resolution", "accuracy") + (("t_max",) if quench.t_max is not None else ())
    times = {name: listed(getattr(quench, f"{name}s"), name) for name in ("time", "waiting_time", "lag")}
    return Belonging(("glass",), {name: getattr(quench, name) for name in names}, times)


def _external(_scenario: Scenario, external: Any, _parts: Mapping[str, str]) -> Belonging:
    measured = {"chi": external.chi, "include_output_layer": external.include_output_layer}
    return Belonging(("observables",), measured)


def _figures(scenario: Scenario, figure: Any, parts: Mapping[str, str]) -> Belonging:
    names = ("temperatures", "waiting_time", "lags", "fit", "collapse")
    config = {name: getattr(figure, name) for name in names}
    return Belonging(("figure",), config | {"figure": figure.module(parts["name"]), "scale": scenario.scale})


_BELONGING = {
    "data": _data,
    "pretrained": _pretrained,
    "snapshots": _snapshots,
    "observables": _observables,
    "mobility": _mobility,
    "scans": _scans,
    "classifiers": _classifiers,
    "flatness": _flatness,
    "drift": _drift,
    "glass": _glass,
    "external": _external,
    "figures": _figures,
}


def _span(parts: Mapping[str, str]) -> list[int]:
    return list(range(int(parts["first"]), int(parts["last"]) + 1))


def _seeds(section: Any) -> list[int]:
    return list(range(section.first_seed, section.first_seed + section.seeds))
