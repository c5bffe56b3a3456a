"""Where every result of a scenario lies: the paths that the rules make, and that are read by their names elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from quench.config.sections import Scenario
from quench.cost.model import Costs
from quench.data.own import is_own

FIGURE_FORMS = (".pdf", ".png", ".svg", ".nc")


class Layout:
    """Paths of the results of ``scenario``, relative to the folder that Snakemake runs in."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.folder = f"results/{scenario.scenario}"
        self.costs = Costs(scenario)

    def raw(self, name: str) -> list[str]:
        """The user's file that a dataset is made from, if it is."""
        source = self.scenario.data[name].source
        return [source] if is_own(source) else []

    def dataset(self, name: str) -> str:
        return f"{self.folder}/data/{name}.nc"

    def images(self, source: str) -> str:
        return f"{self.folder}/images/{source}.nc"

    def seed_chunks(self, kind: str, name: str) -> list[str]:
        """Names of the seed chunks of an ensemble or classifier, ``first-last``; another seed changes the last one only."""
        section, size = getattr(self.scenario, kind)[name], self.costs.chunk_size(kind, name)
        first, stop = section.first_seed, section.first_seed + section.seeds
        return [f"{start}-{min(start + size, stop) - 1}" for start in range(first, stop, size)]

    def cores(self, n_networks: int) -> int:
        """Cores of a training job: one for each network, up to those declared; on a cluster, for each that it works on at a
        time."""
        compute = self.scenario.compute
        return min(n_networks, compute.threads or n_networks if compute.job_minutes is None else compute.chunk)

    def chunks_of(self, run: str) -> list[str]:
        return self.seed_chunks("ensembles", self.scenario.runs[run].ensemble)

    def pretrained(self, ensemble: str) -> list[str]:
        chunks = self.seed_chunks("ensembles", ensemble)
        return [f"{self.folder}/pretrained/{ensemble}/{seeds}.nc" for seeds in chunks]

    def snapshots(self, run: str, point: str) -> list[str]:
        return [f"{self.folder}/snapshots/{run}/{point}/{seeds}.nc" for seeds in self.chunks_of(run)]

    def observables(self, run: str, chi: float | None = None, temperatures: Iterable[float] = ()) -> list[str]:
        """Observables of a run: at the given temperatures, or at all its points."""
        chi = chi or self.scenario.runs[run].chi
        return [
            f"{self.folder}/observables/{run}/{point}/chi{chi:.10g}.nc"
            for point, value in self.scenario.runs[run].points.items()
            if not temperatures or point[0] == "B" or value in temperatures
        ]

    def mobility(self, run: str, temperatures: Iterable[float] = ()) -> list[str]:
        """Single weights of a run at the given temperatures (all), every chunk of networks."""
        return [
            f"{self.folder}/mobility/{run}/T{value:.10g}/{seeds}.nc"
            for value in temperatures or self.scenario.runs[run].temperatures
            for seeds in self.chunks_of(run)
        ]

    def scan(self, name: str) -> list[str]:
        """Chunks of a scan's grid points, ``first-last`` in the order of ``Scan.points``."""
        count, size = len(self.scenario.scans[name].points), self.costs.chunk_size("scans", name)
        parts = [f"{start}-{min(start + size, count) - 1}" for start in range(0, count, size)]
        return [f"{self.folder}/scans/{name}/{part}.nc" for part in parts]

    def trainings(self, classifier: str) -> list[str]:
        """Training files of a classifier, a chunk of seeds each."""
        chunks = self.seed_chunks("classifiers", classifier)
        return [f"{self.folder}/classifiers/{classifier}/{seeds}.nc" for seeds in chunks]

    def external(self, name: str) -> str:
        """Observables of a run that was recorded elsewhere."""
        return f"{self.folder}/external/{name}.nc"

    def figure(self, name: str) -> list[str]:
        return [f"{self.folder}/figures/{name}{form}" for form in FIGURE_FORMS]

    def figures(self, prefix: str = "") -> list[str]:
        """The files of every declared figure whose name starts with ``prefix``."""
        return [path for name in self.scenario.figures if name.startswith(prefix) for path in self.figure(name)]

    def figure_inputs(self, name: str) -> dict[str, dict[str, list[str]]]:
        """The files that a figure's section names, by kind and name, as ``quench figure`` takes them."""
        section = self.scenario.figures[name]
        return {
            "run": {
                run: [path for chi in section.chis_of(run) for path in self.observables(run, chi, section.temperatures)]
                for run in section.runs
            },
            "ensemble": {ensemble: self.pretrained(ensemble) for ensemble in section.ensembles},
            "scan": {scan: self.scan(scan) for scan in section.scans},
            "mobility": {run: self.mobility(run, section.temperatures) for run in section.mobility},
            "classifier": {classifier: self.trainings(classifier) for classifier in section.classifiers},
            "external": {run: [self.external(run)] for run in section.external},
            **{
                part: {item: [f"{self.folder}/{part}/{item}.nc"] for item in getattr(section, part)}
                for part in ("glass", "flatness", "drift")
            },
        }

    def figure_paths(self, name: str) -> list[str]:
        """The files of ``figure_inputs`` in their order."""
        return [path for kind in self.figure_inputs(name).values() for paths in kind.values() for path in paths]
