"""Paths of all results of a scenario, from the table of stages and the declared sizes of chunks."""

from __future__ import annotations

from collections.abc import Mapping

from quench.config.sections import CHUNKED, Scenario
from quench.data.own import is_own
from quench.pipeline.parameters import has_control
from quench.pipeline.stages import STAGES, TABLES, WILDCARDS, find

FIGURE_FORMS = (".pdf", ".png", ".svg", ".nc")


class Paths:
    """Paths of the results of ``scenario``, relative to the folder where Snakemake runs."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.folder = f"results/{scenario.scenario}"

    def files(self, rule: str, known: Mapping[str, str] | None = None) -> list[str]:
        """The files of all jobs of ``rule`` that have the ``known`` wildcards.

        Wildcards may be known through others: a run names its ensemble, which names its dataset. Unknown ones take all
        values that the scenario declares.
        """
        stage, jobs = STAGES[rule], [self._with_references(known or {})]
        for name in stage.wildcards:
            values = [(job, [job[name]] if name in job else self._values(name, job)) for job in jobs]
            jobs = [
                self._with_references({**job, name: value}) for job, known_values in values for value in known_values
            ]
        return [f"{self.folder}/{stage.path.format(**job)}" for job in jobs]

    def needs(self, rule: str, job: Mapping[str, str]) -> list[str]:
        """The results that a job of ``rule`` reads, in the order of its command."""
        if rule == "figure":
            return self.figure_paths(job["figure"])
        if rule == "response":
            return [*self.files("run", job), *self.control(job)]
        return [path for read in STAGES[rule].reads for path in self.files(read, job)]

    def control(self, job: Mapping[str, str]) -> list[str]:
        """Snapshots of a run's own point T = 0, where it has one and keeps snapshots."""
        known = has_control(self.scenario, job["run"])
        return self.files("run", {"run": job["run"], "point": "T0"}) if known else []

    def job(self, path: str) -> tuple[str, dict[str, str]]:
        """Rule and wildcards of the job that makes ``path``."""
        found = find(path.removeprefix(f"{self.folder}/"), self.scenario)
        assert found is not None, path
        return found[0].rule, found[1]

    def chunks(self, table: str, name: str) -> list[str]:
        """Chunks ``first-last`` of an entry's seeds, or of a scan's grid points; an added seed changes the last only."""
        members, size = getattr(self.scenario, table)[name].members, self.scenario.chunk(table, name)
        return [f"{part[0]}-{part[-1]}" for part in (members[i : i + size] for i in range(0, len(members), size))]

    def cores(self, n_networks: int) -> int:
        """Cores of a job that can work on ``n_networks`` at a time."""
        compute = self.scenario.compute
        return min(n_networks, compute.threads or n_networks if compute.job_minutes is None else compute.chunk)

    def raw(self, dataset: str) -> list[str]:
        """The user's file from which a dataset is made, if there is one."""
        source = self.scenario.data[dataset].source
        return [source] if is_own(source) else []

    def figure(self, name: str) -> list[str]:
        return [f"{self.folder}/figures/{name}{form}" for form in FIGURE_FORMS]

    def figures(self, prefix: str = "") -> list[str]:
        """The files of every declared figure whose name starts with ``prefix``."""
        return [path for name in self.scenario.figures if name.startswith(prefix) for path in self.figure(name)]

    def figure_inputs(self, name: str) -> dict[str, dict[str, list[str]]]:
        """The files that a figure's section names, by option of ``quench figure`` and by name.

        Names without files are left out: a streamed run has no ``curvature``.
        """
        section = self.scenario.figures[name]
        found: dict[str, dict[str, list[str]]] = {}
        for stage in STAGES.values():
            if stage.drawn is not None:
                entries = {entry: self._drawn(stage.drawn, entry, name) for entry in getattr(section, stage.drawn)}
                found[stage.option] = {entry: paths for entry, paths in entries.items() if paths}
        return found

    def figure_paths(self, name: str) -> list[str]:
        """The files of ``figure_inputs`` in their order."""
        return [path for option in self.figure_inputs(name).values() for paths in option.values() for path in paths]

    def _drawn(self, key: str, entry: str, figure: str) -> list[str]:
        """Files of one ``entry`` under a ``key`` of a figure's section: at its temperatures and chi, all chunks."""
        section = self.scenario.figures[figure]
        stages = [stage for stage in STAGES.values() if stage.drawn == key]
        stage = next(one for one in stages if one.declared(self.scenario, {one.wildcards[0]: entry}))
        jobs: list[dict[str, str]] = [{stage.wildcards[0]: entry}]
        if "chi" in stage.wildcards:
            own = self.scenario.runs[entry].chi
            jobs = [{**job, "chi": f"{chi or own:.10g}"} for chi in section.chis_of(entry) for job in jobs]
        if "point" in stage.wildcards:
            points = self.scenario.runs[entry].points
            shown = [point for point, value in points.items() if value in (section.temperatures or points.values())]
            jobs = [{**job, "point": point} for job in jobs for point in shown]
            jobs = [job for job in jobs if stage.declares(self.scenario, {"seeds": "0-0", **job}) is not None]
        return [path for job in jobs for path in self.files(stage.rule, job)]

    def _with_references(self, known: Mapping[str, str]) -> dict[str, str]:
        """``known`` wildcards and those that their entries name."""
        found, waiting = dict(known), list(known)
        while waiting:
            wildcard = waiting.pop()
            if wildcard in TABLES:
                entry = getattr(self.scenario, TABLES[wildcard])[found[wildcard]]
                for name in filter(WILDCARDS.__contains__, type(entry).model_fields):
                    if name not in found and isinstance(value := getattr(entry, name), str):
                        found[name] = value
                        waiting.append(name)
        return found

    def _values(self, wildcard: str, job: Mapping[str, str]) -> list[str]:
        """All values of an unknown ``wildcard`` of a ``job``."""
        scenario = self.scenario
        if wildcard in TABLES:
            return list(getattr(scenario, TABLES[wildcard]))
        if wildcard == "source":
            return list(dict.fromkeys(classifier.source for classifier in scenario.classifiers.values()))
        if wildcard == "point":
            return list(scenario.runs[job["run"]].points)
        if wildcard == "chi":
            run = scenario.runs[job["run"]]
            return [f"{chi:.10g}" for chi in dict.fromkeys((run.chi, *run.more_chi))]
        table, name = next((TABLES[name], job[name]) for name in job if TABLES.get(name) in CHUNKED)
        return self.chunks(table, name)
