"""Command-line options of every step from the sections of a scenario: the config keys that a job reads, and no others."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from typing import Any

from quench.config.backends import Engines
from quench.config.external import External
from quench.config.sections import Ensemble, Run, Scan, Scenario
from quench.pipeline.paths import Layout


def flags(**values: Any) -> str:
    """``--some-key value`` for every value; True gives the bare flag; None, False and empty tuples give nothing."""
    words = []
    for key, value in values.items():
        if value is None or value is False or value == ():
            continue
        words.append(f"--{key.replace('_', '-')}")
        if value is not True:
            words.append(shlex.quote(",".join(map(str, value)) if isinstance(value, tuple) else str(value)))
    return " ".join(words)


class Options:
    """Options of the jobs of ``scenario``, each as one string."""

    def __init__(self, scenario: Scenario, layout: Layout) -> None:
        self.scenario, self.layout, self.engines = scenario, layout, Engines(scenario)

    def _engine(self, backend: str) -> dict[str, str]:
        compute = self.scenario.compute
        return {"backend": backend, "device": compute.device, "precision": compute.precision}

    def prepare(self, dataset: str) -> str:
        return flags(data_root=self.scenario.data_root, **dict(self.scenario.data[dataset]))

    def pretrain(self, ensemble: str, seeds: str) -> str:
        section = self.scenario.ensembles[ensemble]
        return flags(
            width=section.width,
            depth=section.depth,
            loss=section.loss,
            weight_decay=section.weight_decay,
            seeds=seeds,
            **_sgd(section),
            **self._engine(self.engines.ensemble(ensemble)),
        )

    def scan(self, scan: str, part: str) -> str:
        """``part`` is a range ``first-last`` of the scan's grid points."""
        section = self.scenario.scans[scan]
        first, last = map(int, part.split("-"))
        points = section.points[first : last + 1]
        return flags(
            points=",".join(f"{width}:{strength!r}" for width, strength in points),
            depth=section.depth,
            seeds=f"{section.first_seed}-{section.first_seed + section.seeds - 1}",
            **_sgd(section),
            **self._engine(self.engines.scans()),
        )

    def run(self, run: str, point: str) -> str:
        section = self.scenario.runs[run]
        value = section.points[point]
        if section.dynamics == "langevin":
            at = {"temperature": value, "lag_max": section.lag_max_at(), **_annealed(section)}
        else:
            chosen = {"momentum": {"momentum": section.momentum}, "adam": {"betas": section.betas}}
            at = {
                "batch_size": value,
                "lag_max": section.lag_max_at(value),
                **chosen.get(section.optimiser, {}),
            }
        return flags(
            dynamics=section.dynamics,
            **at,
            step_size=section.step_size,
            waiting_times=section.waiting_times,
            dense=section.dense,
            per_decade=section.per_decade,
            **self._streamed(section),
            **self._engine(self.engines.run(run)),
        )

    def _streamed(self, section: Run) -> dict[str, Any]:
        """What a streamed run measures on the way, as its observables will be asked for; nothing for full snapshots."""
        if self.scenario.compute.snapshots == "full":
            return {}
        chis = dict.fromkeys(f"{chi:.10g}" for chi in (section.chi, *section.more_chi))
        return {"snapshots": "streamed", "chi": tuple(chis), **_measured(section)}

    def observe(self, run: str, chi: str) -> str:
        section = self.scenario.runs[run]
        return flags(waiting_times=section.waiting_times, chi=chi, **_measured(section))

    def external(self, name: str) -> str:
        section = self.scenario.external[name]
        return flags(waiting_times=section.waiting_times, chi=f"{section.chi:.10g}", **_measured(section))

    def mobility(self, run: str) -> str:
        section = self.scenario.runs[run]
        return flags(
            waiting_time=max(section.waiting_times),
            lag=section.lag_max,
            **self._engine(self.engines.ensemble(section.ensemble)),
        )

    def train(self, classifier: str) -> str:
        section = self.scenario.classifiers[classifier]
        return flags(
            **_but(section, "source", "seeds", "first_seed", "flatness", "drift"),
            keep=section.keep,
            device=self.scenario.compute.device,
        )

    def after_training(self, classifier: str, part: str) -> str:
        """Options of ``part``, flatness or drift, of a trained classifier."""
        section = getattr(self.scenario.classifiers[classifier], part)
        return flags(**dict(section), device=self.scenario.compute.device)

    def quench(self, name: str) -> str:
        return flags(**dict(self.scenario.quenches[name]))

    def simulation(self, name: str) -> str:
        section = self.scenario.simulations[name]
        seeds = f"{section.first_seed}-{section.first_seed + section.seeds - 1}"
        return flags(seeds=seeds, **_but(section, "first_seed", "seeds"))

    def figure(self, name: str, files: Iterable[str]) -> str:
        """``--run NAME FILE ...`` for every run, the same for the other kinds of input, and the figure's own choices.

        ``files`` are those of ``Layout.figure_inputs``, in its order, where the job finds them.
        """
        section, rest = self.scenario.figures[name], iter(files)
        named = [
            " ".join([f"--{kind}", item, *map(shlex.quote, islice(rest, len(paths)))])
            for kind, items in self.layout.figure_inputs(name).items()
            for item, paths in items.items()
        ]
        chosen = flags(
            scale=self.scenario.scale,
            temperatures=section.temperatures,
            waiting_time=section.waiting_time,
            lags=section.lags,
            fit=section.fit,
            collapse=section.collapse,
        )
        return " ".join([*named, chosen])


def _sgd(section: Ensemble | Scan) -> dict[str, Any]:
    sgd = section.sgd
    return {
        "learning_rate": sgd.learning_rate,
        "batch_size": sgd.batch_size,
        "epochs": sgd.epochs,
        "polish": ",".join(f"{epochs}:{rate!r}" for epochs, rate in sgd.polish) or None,
    }


def _annealed(section: Run) -> dict[str, Any]:
    if section.anneal is None:
        return {}
    return {f"anneal_{key}": value for key, value in dict(section.anneal).items()}


def _measured(section: Run | External) -> dict[str, Any]:
    return {"motility_lags": section.motility_lags, "hidden_only": not section.include_output_layer}


def _but(section: Any, *left_out: str) -> dict[str, Any]:
    return {key: value for key, value in dict(section).items() if key not in left_out}
