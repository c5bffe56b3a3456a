"""Check a scenario before it is submitted: what cannot be made or judged, named in seconds.

quench check --scenario paper
quench check --configfile config/paper.yaml mine.yaml --tries 6 --memory 190000

Checks the inputs of every job, its time within all tries, its memory, the disk space, raw images, and what every claim
needs. A line that starts with "cannot" names something declared that cannot come out; the exit status is then 1. A line
that starts with "note" names what a reader of the results should know.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_scenario, scenario_files
from quench.config.base import Positive
from quench.pipeline.arguments import reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_scenario(parser)
    parser.add_argument("--claims", type=Path, help="claims to check (default: claims.yaml beside the scenarios)")
    parser.add_argument("--tries", type=reader(Positive), default=6, help="1 + the retries of the profile (default: 6)")
    parser.add_argument("--memory", type=reader(Positive), metavar="MB", help="memory of a node, in MB")


def run(args: argparse.Namespace) -> int:
    from quench.config import claims
    from quench.config.scenario import load_files
    from quench.cost.chunks import declare
    from quench.pipeline.consistency import Limits, findings

    scenario = declare(load_files(scenario_files(args)))
    declared = claims.load(args.claims or args.config_folder / "claims.yaml")
    jobs, found = findings(scenario, declared, Limits(args.tries, args.memory))
    for one in found:
        print(f"{'cannot' if one.fatal else 'note'}: {one.text}")
    fatal = sum(one.fatal for one in found)
    hours = sum(job.work.core_seconds() for job in jobs.values()) / 3600
    print(f"{scenario.scenario}: {len(jobs)} jobs, {hours:,.1f} core-hours; obstacles: {fatal or 'none'}")
    return 1 if fatal else 0
