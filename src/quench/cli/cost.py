"""Cost of a scenario before it runs: jobs, core-hours, memory, disk space and wall time of every stage.

quench cost --scenario paper --cores 500
quench cost --scenario config/mine.yaml kwj_fig3
quench cost --scenario paper --job-minutes 45

A scenario is a name (config/NAME.yaml) or a file, as given to snakemake --configfile; it may be repeated. Targets are
figures. Measures this machine for about half a minute and prints the costs for cores like its own; finished jobs are
included, with their share. With --job-minutes it also prints chunks for jobs of about that length, as an overlay.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from quench.cli.options import add_scenario, scenario_files
from quench.config.base import Positive
from quench.pipeline.arguments import reader

if TYPE_CHECKING:
    from quench.config.sections import Scenario
    from quench.pipeline.jobs import Job

# Seconds on each of its cores that Snakemake takes to start a job on a cluster, twice.
CLUSTER_START = 8.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", metavar="FIGURE", help="figures (default: everything)")
    add_scenario(parser)
    parser.add_argument(
        "--cores", type=reader(Positive), default=os.cpu_count(), help="cores in use (default: those of this machine)"
    )
    parser.add_argument(
        "--job-minutes",
        type=reader(float, Field(gt=0)),
        metavar="MINUTES",
        help="propose chunks for training jobs of this length",
    )
    parser.add_argument("--as-reference", action="store_true", help="assume reference cores; do not measure")


def run(args: argparse.Namespace) -> None:
    from quench.config.scenario import load_files
    from quench.cost.calibrate import speeds
    from quench.cost.chunks import declare
    from quench.cost.work import START
    from quench.pipeline.jobs import jobs
    from quench.pipeline.paths import Paths

    scenario = declare(load_files(scenario_files(args)), args.job_minutes)
    found = jobs(Paths(scenario), args.targets)
    speed = dict.fromkeys(["start", *START], 1.0) if args.as_reference else speeds(scenario)
    times = ", ".join(f"{kind} {speed[kind]:.2f}" for kind in ("start", "engine", "torch"))
    cores = "reference cores" if args.as_reference else f"cores like ours (time over the reference: {times})"
    print(f"{scenario.scenario}, on {cores}")
    _print_table(found, args.cores, speed, CLUSTER_START if scenario.compute.job_minutes else 0.0)
    if args.job_minutes:
        _print_chunks(scenario)


def _print_table(found: Mapping[str, Job], cores: int, speed: Mapping[str, float], per_job: float) -> None:
    from quench.cost.disk import readable
    from quench.pipeline.jobs import longest_chain
    from quench.pipeline.stages import STAGES

    def core_seconds(job: Job) -> float:
        return job.work.core_seconds(speed[job.work.kind], speed["start"]) + per_job * job.cores

    def wall(job: Job) -> float:
        return job.work.wall_seconds(min(job.cores, cores), speed[job.work.kind], speed["start"]) + per_job

    heads = ("stage", "jobs", "core-hours", "longest job", "memory per job", "disk", f"on {cores} cores", "done")
    print("{:<18}{:>7}{:>12}{:>13}{:>16}{:>10}{:>14}{:>7}".format(*heads))
    for stage in [*STAGES, "all"]:
        members = [job for job in found.values() if stage in (job.rule, "all")]
        if not members:
            continue
        total = sum(map(core_seconds, members))
        done = sum(core_seconds(job) for job in members if job.done)
        last = max(map(wall, members))
        chain = longest_chain(found, cores, speed) if stage == "all" else last
        print(
            f"{stage:<18}{len(members):>7}{_number(total / 3600):>12}{_clock(last):>13}"
            f"{max(job.work.memory_mb() for job in members):>13} MB"
            f"{readable(sum(job.work.disk for job in members)):>10}"
            f"{_clock(max(total / cores, chain)):>14}{100 * done / total:>6.0f}%"
        )


def _print_chunks(scenario: Scenario) -> None:
    """The chunks of ``scenario`` as a YAML overlay."""
    import yaml

    from quench.config.sections import CHUNKED

    chunks = {
        table: {name: {"chunk": entry.chunk} for name, entry in getattr(scenario, table).items()} for table in CHUNKED
    }
    overlay: dict[str, object] = {table: entries for table, entries in chunks.items() if entries}
    overlay["compute"] = {"job_minutes": scenario.compute.job_minutes}
    print(f"\nThis overlay declares training jobs of about {scenario.compute.job_minutes:g} minutes:\n")
    print(yaml.safe_dump(overlay, default_flow_style=None, sort_keys=False), end="")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.0f} h" if seconds < 100 * 3600 else f"{seconds / 86400:,.0f} days"
