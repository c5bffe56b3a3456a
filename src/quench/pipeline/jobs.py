"""Every job that the figures, claims and report of a scenario need, and what each needs before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quench.cost.work import Work
from quench.pipeline.paths import Layout

# Folder of the results, rule that fills it, and the rule's wildcards along the path.
_FOLDERS = {
    "data": ("dataset", ("dataset",)),
    "images": ("images", ("source",)),
    "pretrained": ("pretrain", ("ensemble", "seeds")),
    "scans": ("scan", ("scan", "part")),
    "snapshots": ("run", ("run", "point", "seeds")),
    "observables": ("observe", ("run", "point", "chi")),
    "mobility": ("mobility", ("run", "point", "seeds")),
    "classifiers": ("train", ("classifier", "seeds")),
    "flatness": ("flatness", ("classifier",)),
    "drift": ("drift", ("classifier",)),
    "external": ("external", ("external",)),
    "glass": ("simulation", ("simulation",)),
    "figures": ("figure", ("figure",)),
}
STAGES = (*(rule for rule, _ in _FOLDERS.values()), "pspin", "claims", "report")


@dataclass(frozen=True)
class Job:
    """A job of ``rule`` that makes ``path``; ``cores`` is what it asks for, ``done`` whether its file is there."""

    rule: str
    path: str
    work: Work
    cores: int
    needs: tuple[str, ...]

    @property
    def done(self) -> bool:
        return Path(self.path).exists()


def jobs(layout: Layout) -> dict[str, Job]:
    """The jobs of a scenario by the file that they make (of a figure, its numbers), every job after those it needs."""
    found: dict[str, Job] = {}

    def add(path: str) -> str:
        if path not in found:
            rule, wildcards = _parse(layout, path)
            needs = tuple(add(needed) for needed in _inputs(layout, rule, wildcards))
            found[path] = Job(
                rule, path, getattr(layout.costs, rule)(**wildcards), _cores(layout, rule, wildcards), needs
            )
        return path

    figures = tuple(add(layout.figure(name)[-1]) for name in layout.scenario.figures)
    claims = f"{layout.folder}/claims.csv"
    found[claims] = Job("claims", claims, layout.costs.claims(), 1, figures)
    report = f"{layout.folder}/report/index.html"
    found[report] = Job("report", report, layout.costs.report(), 1, (claims, *figures))
    return found


def _parse(layout: Layout, path: str) -> tuple[str, dict[str, str]]:
    """The rule that makes ``path``, and the wildcards of its job."""
    folder, *values = path.removeprefix(f"{layout.folder}/").rpartition(".")[0].split("/")
    rule, names = _FOLDERS[folder]
    # Solutions and simulations of the glass share a folder.
    if rule == "simulation" and values[0] in layout.scenario.quenches:
        rule, names = "pspin", ("quench",)
    wildcards = dict(zip(names, values, strict=True))
    if "chi" in wildcards:
        wildcards["chi"] = wildcards["chi"].removeprefix("chi")
    return rule, wildcards


def _inputs(layout: Layout, rule: str, wildcards: dict[str, str]) -> Iterator[str]:
    scenario = layout.scenario
    match rule:
        case "figure":
            yield from layout.figure_paths(wildcards["figure"])
        case "observe":
            yield from layout.snapshots(wildcards["run"], wildcards["point"])
        case "run":
            ensemble = scenario.runs[wildcards["run"]].ensemble
            yield f"{layout.folder}/pretrained/{ensemble}/{wildcards['seeds']}.nc"
        case "mobility":
            yield f"{layout.folder}/snapshots/{wildcards['run']}/{wildcards['point']}/{wildcards['seeds']}.nc"
        case "pretrain":
            yield layout.dataset(scenario.ensembles[wildcards["ensemble"]].dataset)
        case "scan":
            yield layout.dataset(scenario.scans[wildcards["scan"]].dataset)
        case "train":
            yield layout.images(scenario.classifiers[wildcards["classifier"]].source)
        case "flatness" | "drift":
            yield from layout.trainings(wildcards["classifier"])


def _cores(layout: Layout, rule: str, wildcards: dict[str, str]) -> int:
    """A core for each network that the job works on at a time."""
    if rule == "scan":
        return layout.cores(layout.scenario.scans[wildcards["scan"]].seeds)
    if rule in {"pretrain", "run"}:
        first, last = map(int, wildcards["seeds"].split("-"))
        return layout.cores(last - first + 1)
    return 1


def longest_chain(found: dict[str, Job], cores: int, speeds: dict[str, float]) -> float:
    """Seconds of the jobs that must follow each other, where the longest such chain is."""
    ends: dict[str, float] = {}
    for path, job in found.items():
        alone = job.work.wall_seconds(min(job.cores, cores), speeds[job.work.kind], speeds["start"])
        ends[path] = alone + max((ends[needed] for needed in job.needs), default=0.0)
    return max(ends.values(), default=0.0)
