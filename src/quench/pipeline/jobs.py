"""All jobs that the figures, claims and report of a scenario need, with their costs and the jobs before each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from quench.cost.model import Costs
from quench.cost.work import Work
from quench.errors import QuenchError, nearest
from quench.pipeline.paths import Paths


@dataclass(frozen=True)
class Job:
    """A job of ``rule`` that makes ``path`` from the files ``needs``; ``cores`` is its request."""

    rule: str
    path: str
    work: Work
    cores: int
    needs: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether its file exists."""
        return Path(self.path).exists()


def jobs(paths: Paths, figures: Collection[str] = ()) -> dict[str, Job]:
    """The jobs of a scenario by the file that they make (of a figure, its numbers), each after those that it needs.

    All of them, or those of some ``figures``. Raises ``QuenchError`` for a figure that the scenario does not declare.
    """
    for name in figures:
        if name not in paths.scenario.figures:
            raise QuenchError(
                f"no figure {name!r} in scenario {paths.scenario.scenario!r}{nearest(name, paths.scenario.figures)}"
            )
    costs = Costs(paths.scenario)
    found: dict[str, Job] = {}

    def add(path: str) -> str:
        if path not in found:
            rule, job = paths.job(path)
            needs = tuple(add(needed) for needed in paths.needs(rule, job))
            work = costs.work(rule, job)
            found[path] = Job(rule, path, work, paths.cores(work.units), needs)
        return path

    ends = [paths.files("figure", {"figure": name}) for name in figures] or [paths.files("report")]
    for path in (path for end in ends for path in end):
        add(path)
    return found


def longest_chain(found: Mapping[str, Job], cores: int, speeds: Mapping[str, float]) -> float:
    """Seconds of the longest chain of jobs that must follow each other."""
    ends: dict[str, float] = {}
    for path, job in found.items():
        alone = job.work.wall_seconds(min(job.cores, cores), speeds[job.work.kind], speeds["start"])
        ends[path] = alone + max((ends[needed] for needed in job.needs), default=0.0)
    return max(ends.values(), default=0.0)
