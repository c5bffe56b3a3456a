"""What `quench cost` predicts beside how long the jobs of a finished run took, stage by stage.

snakemake --cores 2 && python benchmarks/cost.py --cores 2
python benchmarks/cost.py --scenario smoke --cores 1 --metadata .snakemake/metadata

Durations are Snakemake's own record of the run, so that the machine should have had nothing else to do. Exits with 1 where
the whole is wrong by more than a factor of 1.5.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

from quench.cli.cost import _files
from quench.config.scenario import load_files
from quench.cost.calibrate import speeds
from quench.cost.jobs import STAGES, Job, jobs
from quench.cost.work import START
from quench.layout import Layout

ALLOWED = 1.5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="default")
    parser.add_argument("--configfile", nargs="+", type=Path)
    parser.add_argument("--config-folder", type=Path, default=Path("config"))
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="what the run was given")
    parser.add_argument("--metadata", type=Path, default=Path(".snakemake/metadata"))
    parser.add_argument("--as-reference", action="store_true", help="do not measure this machine")
    return parser.parse_args()


def duration(job: Job, metadata: Path) -> float | None:
    """Seconds between the start and the end of a job, as Snakemake has it."""
    record = metadata / base64.b64encode(job.path.encode()).decode().replace("/", "_")
    if not record.exists():
        return None
    told = json.loads(record.read_text())
    return told["endtime"] - told["starttime"] if told.get("endtime") else None


def main() -> int:
    args = arguments()
    scenario = load_files(_files(args))
    speed = dict.fromkeys(["start", *START], 1.0) if args.as_reference else speeds(scenario)
    stages: dict[str, list[tuple[float, float]]] = defaultdict(list)
    missing = 0
    for job in jobs(Layout(scenario)).values():
        took = duration(job, args.metadata)
        if took is None:
            missing += 1
            continue
        predicted = job.work.wall_seconds(min(job.cores, args.cores), speed[job.work.kind], speed["start"])
        stages[job.rule].append((predicted, took))
        stages["all"].append((predicted, took))
    if not stages:
        sys.exit(f"no job of {scenario.scenario} is on record in {args.metadata}")
    print(
        "machine over reference core: "
        + ", ".join(f"{kind} {speed[kind]:.2f}" for kind in ("start", "engine", "torch"))
    )
    print(f"{'stage':<18}{'jobs':>6}{'predicted':>12}{'measured':>12}{'ratio':>8}")
    for stage in (*STAGES, "all"):
        if stage in stages:
            predicted, took = (sum(column) for column in zip(*stages[stage], strict=True))
            print(f"{stage:<18}{len(stages[stage]):>6}{predicted:>10.1f} s{took:>10.1f} s{predicted / took:>8.2f}")
    if missing:
        print(f"{missing} jobs are not on record")
    predicted, took = (sum(column) for column in zip(*stages["all"], strict=True))
    return int(not 1 / ALLOWED <= predicted / took <= ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
