"""Jobs that are done, running, failed or waiting; run it in the folder of the Snakefile, also while Snakemake runs.

quench status
quench status --scenario smoke kwj_fig3

A scenario is a name (config/NAME.yaml) or a file, as given to snakemake --configfile.
"""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.options import scenario_file

if TYPE_CHECKING:
    from quench.pipeline.status import TrackedJob

# Deleted files that are listed with the call that makes them again.
DELETED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="figures, files or rules (default: everything)")
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="overlay of the default scenario; may be repeated",
    )


def run(args: argparse.Namespace) -> None:
    from quench.pipeline import status

    folder = Path.cwd()
    files = [str(scenario_file(name)) for name in args.scenario if name != "default"]
    overlays = f" --configfile {shlex.join(files)}" if files else ""
    jobs = status.tracked(_summary(args.targets, files), folder)
    by_state = {state: [job for job in jobs if job.state == state] for state in status.STATES}
    print(f"{len(by_state['done'])} of {len(jobs)} jobs done{_of(args.targets)}")
    for job in by_state["running"]:
        print(f"\nrunning  {job.rule} {job.name}\n         {job.progress() or 'no progress reported yet'}")
    for job in by_state["stopped"]:
        print(f"\nstopped  {job.rule} {job.name}: its next try resumes from its checkpoint")
    for job in by_state["deleted"][:DELETED]:
        print(
            f"\ndeleted  {job.rule} {job.name}: made again by snakemake {job.outputs[0].relative_to(folder)}{overlays}"
        )
    if len(by_state["deleted"]) > DELETED:
        print(f"         and {len(by_state['deleted']) - DELETED} more; quench verify lists all of them")
    for job in by_state["failed"]:
        print(f"\nfailed   {job.rule} {job.name} ({job.log.relative_to(folder)})")
        for line in job.last_words() or ["(nothing in its log)"]:
            print(f"         | {line}")
    _print_rest(jobs, by_state["waiting"])


def _of(targets: list[str]) -> str:
    return f" for {', '.join(targets)}" if targets else ""


def _print_rest(jobs: list[TrackedJob], waiting: list[TrackedJob]) -> None:
    from quench.pipeline.status import left
    from quench.report.provenance import duration

    if not waiting:
        return
    print(f"\nto do    {_counted(job.rule for job in waiting)}")
    print(f"         because: {_counted(job.reason for job in waiting)}")
    seconds = left(jobs)
    if seconds is not None:
        print(f"         about {duration(seconds)} one job after the other, estimated from finished jobs")


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).items())


def _summary(targets: list[str], files: list[str]) -> str:
    """Output of ``snakemake --summary`` for the targets."""
    import subprocess
    import sys
    from importlib.util import find_spec

    from quench.errors import QuenchError, not_installed

    if not Path("Snakefile").is_file():
        raise QuenchError("status: no Snakefile here; change to the folder where snakemake runs")
    if find_spec("snakemake") is None:
        raise not_installed("snakemake")
    command = [sys.executable, "-m", "snakemake", "--summary", *targets]
    ended = subprocess.run(
        command + (["--configfile", *files] if files else []), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        mistakes = [line.removeprefix("quench: ") for line in lines if line.startswith("quench: ")] or lines[-1:]
        raise QuenchError("\n".join(mistakes) or "status: snakemake --summary failed")
    return ended.stdout
