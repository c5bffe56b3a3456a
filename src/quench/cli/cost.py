"""What a scenario costs, before it runs: jobs, core-hours, memory, disk and wall time of every stage.

quench cost --scenario paper --cores 500
quench cost --configfile config/paper.yaml mine.yaml

Measures this machine for a few seconds and says what jobs like its cores would take; what is done already is told apart.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from quench.cli.options import bounded, scenario_file

# What Snakemake takes to start a job on a cluster, twice over: seconds on each of its cores.
CLUSTER_START = 8.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--scenario", default="default", help="a file of config/ laid over the default (default: none)")
    which.add_argument("--configfile", nargs="+", type=Path, metavar="FILE", help="files laid over the default instead")
    parser.add_argument("--config-folder", type=Path, default=Path("config"), help=argparse.SUPPRESS)
    parser.add_argument(
        "--cores", type=bounded(int, 1), default=os.cpu_count(), help="cores at a time (default: this machine's)"
    )
    parser.add_argument("--as-reference", action="store_true", help="do not measure: for cores like the reference's")


def run(args: argparse.Namespace) -> None:
    from quench.config.scenario import load_files
    from quench.cost.calibrate import speeds
    from quench.cost.work import START
    from quench.pipeline.jobs import jobs
    from quench.pipeline.paths import Layout

    scenario = load_files(_files(args))
    found = jobs(Layout(scenario))
    speed = dict.fromkeys(["start", *START], 1.0) if args.as_reference else speeds(scenario)
    told = ", ".join(f"{kind} {speed[kind]:.2f}" for kind in ("start", "engine", "torch"))
    measured = (
        "cores like the reference's" if args.as_reference else f"cores like ours; time over the reference's: {told}"
    )
    print(f"{scenario.scenario}, on {measured}")
    _tell(found, args.cores, speed, CLUSTER_START if scenario.compute.job_minutes else 0.0)


def _files(args: argparse.Namespace) -> list[Path]:
    base = args.config_folder / "config.yaml"
    if args.configfile:
        return [base, *args.configfile]
    return [base] if args.scenario == "default" else [base, scenario_file(args.scenario, args.config_folder)]


def _tell(found: dict[str, Any], cores: int, speed: dict[str, float], per_job: float) -> None:
    from quench.cost.disk import readable
    from quench.pipeline.jobs import STAGES, longest_chain

    def core_seconds(job: Any) -> float:
        return job.work.core_seconds(speed[job.work.kind], speed["start"]) + per_job * job.cores

    def wall(job: Any) -> float:
        return job.work.wall_seconds(min(job.cores, cores), speed[job.work.kind], speed["start"]) + per_job

    heads = ("stage", "jobs", "core-hours", "longest job", "memory a job", "disk", f"on {cores} cores", "done")
    print("{:<18}{:>7}{:>12}{:>13}{:>14}{:>10}{:>14}{:>7}".format(*heads))
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
            f"{max(job.work.memory_mb() for job in members):>11} MB"
            f"{readable(sum(job.work.disk for job in members)):>10}"
            f"{_clock(max(total / cores, chain)):>14}{100 * done / total:>6.0f}%"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _clock(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.0f} h" if seconds < 100 * 3600 else f"{seconds / 86400:,.0f} days"
