"""Inputs, options and resources of the rules, from the table of stages: functions of wildcards, as Snakemake takes them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from quench.config.sections import Scenario
from quench.cost.model import Costs
from quench.cost.work import request
from quench.errors import QuenchError
from quench.pipeline.adoption import refused
from quench.pipeline.arguments import flags
from quench.pipeline.parameters import Parameters
from quench.pipeline.paths import Paths
from quench.pipeline.stages import STAGES, log_of
from quench.store.archive import SUMS

Wildcards = Mapping[str, str]


class Rules:
    """The rules of a workflow that makes ``scenario``; without ``fingerprints`` in jobs, which Snakemake does not ask."""

    def __init__(self, scenario: Scenario, *, fingerprints: bool = True) -> None:
        self.scenario, self.fingerprints = scenario, fingerprints
        self.paths, self.costs = Paths(scenario), Costs(scenario)

    def inputs(self, rule: str) -> Callable[[Wildcards], list[str]]:
        return lambda wildcards: self.paths.needs(rule, dict(wildcards))

    def snapshots(self, wildcards: Wildcards) -> list[str]:
        return self.paths.files("run", dict(wildcards))

    def control(self, wildcards: Wildcards) -> list[str]:
        return self.paths.control(dict(wildcards))

    def output(self, rule: str) -> str:
        return f"{self.paths.folder}/{STAGES[rule].path}"

    def log(self, rule: str) -> str:
        return f"{self.paths.folder}/{log_of(STAGES[rule].path)}"

    def threads(self, rule: str) -> Callable[[Wildcards], int]:
        return lambda wildcards: self.paths.cores(self.costs.work(rule, dict(wildcards)).units)

    def resources(self, rule: str) -> dict[str, Callable[..., int]]:
        """Memory, disk and run time by the cost model; more with every attempt."""

        def requested(name: str) -> Callable[..., int]:
            return lambda wildcards, threads, attempt: request(
                self.costs.work(rule, dict(wildcards)), threads, attempt, self.scenario.compute.limit_minutes
            )[name]

        return {name: requested(name) for name in ("mem_mb", "disk_mb", "runtime")}

    def options(self, rule: str) -> Callable[[Wildcards], str]:
        def declared(wildcards: Wildcards) -> str:
            found = self._parameters(rule, wildcards)
            return flags(**{**found.shared, **found.options})

        return declared

    def figure_inputs(self, name: str, files: Iterable[str]) -> str:
        """``--run NAME FILE ...`` for every run of a figure, and the same for its other inputs.

        ``files`` are those of ``Paths.figure_paths``, in its order, at the places where the job finds them.
        """
        rest = iter(files)
        return " ".join(
            shlex.join([f"--{option}", entry, *islice(rest, len(declared))])
            for option, entries in self.paths.figure_inputs(name).items()
            for entry, declared in entries.items()
        )

    def code(self, rule: str) -> Callable[[Wildcards], str]:
        """Fingerprint of the code that makes the files of ``rule``."""

        def found(wildcards: Wildcards) -> str:
            if not self.fingerprints:
                return ""
            if f"{self.paths.folder}/{STAGES[rule].path.format(**dict(wildcards))}" in refused():
                return "refused by quench adopt"
            return STAGES[rule].code(self._parameters(rule, wildcards).all())

        return found

    def _parameters(self, rule: str, wildcards: Wildcards) -> Parameters:
        declared = STAGES[rule].declares(self.scenario, dict(wildcards))
        if declared is None:
            raise QuenchError(f"{rule}: the scenario does not declare {dict(wildcards)}")
        return declared


def absent_sources(paths: Paths) -> Iterator[str]:
    """Sources of raw images from which a missing result would be made; none where an archive was unpacked.

    Raises ``QuenchError`` for snapshots of the external section that do not exist.
    """
    # From an unpacked archive figures are drawn without raw data; a job that needs them after all reports it.
    if Path(paths.folder, SUMS).exists():
        return
    scenario = paths.scenario
    made_from: dict[str, Any] = {}
    for name, data in scenario.data.items():
        made_from |= dict.fromkeys(paths.files("dataset", {"dataset": name}), data.source)
    for classifier in scenario.classifiers.values():
        made_from |= dict.fromkeys(paths.files("images", {"source": classifier.source}), classifier.source)
    yield from dict.fromkeys(source for path, source in made_from.items() if not Path(path).exists())
    for name, run in scenario.external.items():
        for path in run.snapshots:
            if not Path(path).exists():
                raise QuenchError(f"config: external.{name}.snapshots: {path}: no such file")
