"""What a scenario cannot make or judge, found from the configuration and the cost model before any job runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quench.claims import judge
from quench.config.claims import Claim, Claims
from quench.config.sections import Figure, Scenario
from quench.cost.disk import readable
from quench.cost.work import request
from quench.data.download import check_available
from quench.data.sources import find
from quench.errors import QuenchError
from quench.pipeline.jobs import Job, jobs
from quench.pipeline.paths import Paths
from quench.pipeline.rules import absent_sources
from quench.pipeline.stages import STAGES

# Figures that fit a power law of the waiting time, and the fewest points of a fit.
_FITTED_AGES, _FEWEST = ("kwj.fig8", "kwj.figa11"), 3


@dataclass(frozen=True)
class Limits:
    """Tries of a job (one, and the retries of the profile), and the memory of a node in MB; None: unknown."""

    tries: int = 6
    memory_mb: int | None = None


@dataclass(frozen=True)
class Finding:
    """``text`` names the place and the reason; ``fatal`` where something that is declared cannot come out."""

    text: str
    fatal: bool = True


def findings(scenario: Scenario, claims: Claims, limits: Limits = Limits()) -> tuple[dict[str, Job], list[Finding]]:
    """The jobs of ``scenario`` by their files, and all that is inconsistent."""
    paths = Paths(scenario)
    found = jobs(paths)
    made = [
        *_inputs(paths, found),
        *_requests(scenario, found, limits),
        *_devices(scenario),
        *_sources(paths),
        *_disk(paths, found),
        *_figures(scenario),
        *_reduced(scenario),
        *(one for claim in claims.claims for one in _claim(scenario, claim, claims.meaningless)),
    ]
    return found, list(dict.fromkeys(made))


def _inputs(paths: Paths, found: Mapping[str, Job]) -> Iterator[Finding]:
    """Jobs that the scenario does not declare, and inputs that no stage of theirs makes."""
    for path, job in found.items():
        stage, (_, wildcards) = STAGES[job.rule], paths.job(path)
        if stage.declares(paths.scenario, wildcards) is None:
            yield Finding(f"{path}: needed, but the scenario does not declare it")
        for needed in job.needs:
            if stage.reads and found[needed].rule not in stage.reads:
                yield Finding(f"{path}: rule {job.rule} does not read {needed}")


def _requests(scenario: Scenario, found: Mapping[str, Job], limits: Limits) -> Iterator[Finding]:
    """Jobs that do not end within all their tries, or need more memory than a node has."""
    limit = scenario.compute.limit_minutes
    for path, job in found.items():
        hours = job.work.wall_seconds(job.cores) / 3600
        if limit and hours > limits.tries * limit / 60:
            yield Finding(
                f"{path}: {hours:,.0f} h, but {limits.tries} tries of compute.limit_minutes = {limit} are"
                f" {limits.tries * limit / 60:,.0f} h; give it threads or a device, or raise the limit"
            )
        memory = request(job.work, job.cores)["mem_mb"]
        if limits.memory_mb and memory > limits.memory_mb:
            yield Finding(f"{path}: requests {memory:,} MB of memory, more than the {limits.memory_mb:,} MB of a node")


def _devices(scenario: Scenario) -> Iterator[Finding]:
    """A device for all trainings where one training was meant: KWJ's networks then leave the fused engine."""
    device = scenario.compute.device
    if device != "cpu" and scenario.runs:
        yield Finding(
            f"compute.device: {device} takes all {len(scenario.runs)} runs to the reference backend;"
            " classifiers.<name>.device gives a device to one training alone",
            fatal=False,
        )


def _sources(paths: Paths) -> Iterator[Finding]:
    """Images that are neither here nor downloadable, and recordings that do not exist."""
    try:
        for source in absent_sources(paths):
            try:
                check_available(find(source), paths.scenario.data_root)
            except QuenchError as error:
                yield Finding(str(error))
    except QuenchError as error:
        yield Finding(str(error))


def _disk(paths: Paths, found: Mapping[str, Job]) -> Iterator[Finding]:
    total = sum(job.work.disk for job in found.values() if not job.done)
    folder = Path(paths.folder)
    free = shutil.disk_usage(next(one for one in (folder, *folder.absolute().parents) if one.is_dir())).free
    if total > free:
        yield Finding(f"{paths.folder}: the results need {readable(total)}, and {readable(free)} are free")


def _figures(scenario: Scenario) -> Iterator[Finding]:
    """Histograms at lags that are not measured, and windows of fits with too few waiting times."""
    for name, figure in scenario.figures.items():
        place, kind = f"figures.{name}", figure.module(name)
        for run, lag in zip(figure.runs, figure.lags, strict=False):
            measured = scenario.runs[run].motility_lags
            if measured and lag not in measured:
                yield Finding(f"{place}.lags: {lag} is not among the motility_lags of runs.{run}: {list(measured)}")
        if figure.fit and kind in _FITTED_AGES:
            for run in figure.runs:
                inside = [t for t in scenario.runs[run].waiting_times if figure.fit[0] <= t <= figure.fit[1]]
                if len(inside) < _FEWEST:
                    yield Finding(f"{place}.fit: only {len(inside)} waiting times of runs.{run} lie in the window")


def _reduced(scenario: Scenario) -> Iterator[Finding]:
    """Inputs that are smaller than a paper's although the figures say full scale."""
    if scenario.scale != "full":
        return
    for name, data in scenario.data.items():
        if data.subset:
            yield Finding(f"data.{name}.subset: {data.subset} samples, but scale is full", fatal=False)
    for name, one in scenario.classifiers.items():
        if one.train_samples or one.pool > 1 or find(one.source).name == "mnist5k":
            yield Finding(
                f"classifiers.{name}: fewer or smaller images than {one.source} has, but scale is full", False
            )


def _claim(scenario: Scenario, claim: Claim, meaningless: Mapping[str, str]) -> Iterator[Finding]:
    """Reasons for which a claim that this scenario should judge cannot be judged."""
    if scenario.scenario in meaningless or (claim.scenarios and scenario.scenario not in claim.scenarios):
        return
    # A reduced scenario may leave parts out; a complete one should be able to judge every claim.
    fatal, place = scenario.scale == "full", f"claim {claim.id}"
    missing = [name for name in claim.reads if name not in scenario.figures]
    if missing:
        yield Finding(f"{place}: reads {missing[0]}, which this scenario does not draw", fatal)
        return
    figures = [scenario.figures[name] for name in claim.reads]
    shown = {name for figure in figures for names in _inputs_of(figure).values() for name in names}
    for panel in (claim.arguments[key] for key in ("panel", "other") if key in claim.arguments):
        if panel not in shown:
            yield Finding(f"{place}: needs {panel!r}, which {', '.join(claim.reads)} does not show", fatal)
        elif panel in scenario.runs and "at T = 0" in (judge.find(claim.quantity).__doc__ or ""):
            chosen = next((one.temperatures for one in figures if one.temperatures), scenario.runs[panel].temperatures)
            if 0 not in chosen:
                yield Finding(f"{place}: needs T = 0, which is not among the temperatures of runs.{panel}", fatal)


def _inputs_of(figure: Figure) -> dict[str, tuple[str, ...]]:
    return {stage.drawn: getattr(figure, stage.drawn) for stage in STAGES.values() if stage.drawn}
