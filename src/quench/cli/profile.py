"""Write a profile for a SLURM cluster, checked with the cluster where it answers, and the matching lengths of jobs.

quench profile slurm --account myproject --partition main --hours 4 -o profiles/mine
snakemake --workflow-profile profiles/mine --configfile config/paper.yaml profiles/mine/compute.yaml

Run it in the folder of the Snakefile, where the cluster's commands are. It is profiles/slurm with the account, the
partition and the way to ask for the state of jobs. sinfo, sacctmgr, scontrol and sbatch --test-only are asked whether
the cluster takes such jobs; what could not be checked is named. Memory and time of each job come from the cost model.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import Field

from quench.cli.options import check_output
from quench.errors import QuenchError
from quench.pipeline.arguments import reader

# The profile that is copied, with comments.
TEMPLATE = Path("profiles/slurm/config.yaml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheduler", choices=["slurm"])
    parser.add_argument("--account", metavar="NAME", help="account that pays (default: that of the cluster)")
    parser.add_argument("--partition", metavar="NAME", help="queue (default: that of the cluster)")
    parser.add_argument(
        "--hours", type=reader(float, Field(gt=0)), required=True, help="longest run time that a job may request"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder of the profile")


def run(args: argparse.Namespace) -> None:
    from quench.cost import site
    from quench.runtime.atomic import atomic

    if not TEMPLATE.is_file():
        raise QuenchError(f"{TEMPLATE}: not found; change to the folder of the Snakefile")
    lengths = site.lengths(args.hours)
    found = site.ask(args.account, args.partition, lengths["limit_minutes"])
    profile, compute = args.output / "config.yaml", args.output / "compute.yaml"
    check_output(profile)
    text = site.profile(TEMPLATE.read_text(encoding="utf-8"), args.account, args.partition, found)
    with atomic(profile) as path:
        path.write_text(text.replace("profiles/slurm", str(args.output)), encoding="utf-8")
    with atomic(compute) as path:
        values = "".join(f"  {key}: {value}\n" for key, value in lengths.items())
        path.write_text(f"# Overlay of a scenario: lengths of jobs in minutes.\ncompute:\n{values}", encoding="utf-8")
    for note in found.notes:
        print(note)
    print(f"{profile}: written; submit with")
    print(f"snakemake --workflow-profile {args.output} --configfile config/paper.yaml {compute}")
