"""Predictions of `quench cost` beside the resources of the jobs of a finished run, stage by stage.

snakemake --cores 2 && python benchmarks/cost.py
python benchmarks/cost.py --scenario smoke --as-reference

Processor time and peak memory are those at the end of every job's log. The exit status is 1 where the total processor time
is wrong by more than a factor of 1.5.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

from quench.cli.options import add_scenario, scenario_files
from quench.config.scenario import load_files
from quench.cost.calibrate import speeds
from quench.cost.chunks import declare
from quench.cost.work import SNAKEMAKE_MB, START
from quench.pipeline.jobs import Job, jobs
from quench.pipeline.paths import Paths
from quench.pipeline.stages import STAGES, log_of
from quench.runtime import usage

ALLOWED = 1.5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scenario(parser)
    parser.add_argument("--as-reference", action="store_true", help="do not measure this machine")
    return parser.parse_args()


def taken(job: Job, folder: Path) -> usage.Usage | None:
    return usage.read(folder / log_of(Path(job.path).relative_to(folder).as_posix()))


def main() -> int:
    args = arguments()
    scenario = declare(load_files(scenario_files(args)))
    paths = Paths(scenario)
    speed = dict.fromkeys(["start", *START], 1.0) if args.as_reference else speeds(scenario)
    print(
        "machine over reference core: "
        + ", ".join(f"{kind} {speed[kind]:.2f}" for kind in ("start", "engine", "torch"))
    )
    stages: dict[str, list[tuple[float, float, int, int]]] = defaultdict(list)
    missing = 0
    for job in jobs(paths).values():
        used = taken(job, Path(paths.folder))
        if used is None:
            missing += 1
            continue
        seconds = job.work.core_seconds(speed[job.work.kind], speed["start"])
        row = (seconds, used.cpu, job.work.memory_mb() - SNAKEMAKE_MB, used.megabytes)
        stages[job.rule].append(row)
        stages["all"].append(row)
    if not stages:
        sys.exit(f"no job of {scenario.scenario} states its resources in {paths.folder}/logs")
    print(
        f"{'stage':<18}{'jobs':>6}{'predicted':>12}{'measured':>12}{'ratio':>8}{'predicted':>14}{'measured, most':>17}"
    )
    for stage in (*STAGES, "all"):
        if stage in stages:
            seconds, cpu, memory, most = zip(*stages[stage], strict=True)
            times = f"{sum(seconds):>10.1f} s{sum(cpu):>10.1f} s{sum(seconds) / sum(cpu):>8.2f}"
            print(f"{stage:<18}{len(seconds):>6}{times}{max(memory):>11} MB{max(most):>14} MB")
    if missing:
        print(f"{missing} jobs have no resources in their logs")
    seconds, cpu, *_ = zip(*stages["all"], strict=True)
    return int(not 1 / ALLOWED <= sum(seconds) / sum(cpu) <= ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
