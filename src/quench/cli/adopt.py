"""Mark the results of a folder that was copied without .snakemake as done, where they are whole and current.

quench adopt results/default
quench adopt results/mine --configfile config/mine.yaml

Run it in the folder of the Snakefile. Every file is checked as by quench verify, against the present configuration and
code. Snakemake's records, also damaged ones, are written anew: the next call makes only the files named here, what is made
from them, and what was never made. Claims and report state no code; they are made again in seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from quench.cli.options import add_scenario, overlay_of, scenario_files
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results of one scenario, such as results/default")
    add_scenario(parser)


def run(args: argparse.Namespace) -> None:
    from quench.config.scenario import load_files
    from quench.cost.chunks import declare
    from quench.pipeline import adoption, results
    from quench.pipeline.jobs import jobs
    from quench.pipeline.paths import Paths

    root, kept = results.opened(args.folder)
    if not args.scenario and not args.configfile and kept.scenario != "default":
        args.configfile = [Path(overlay_of(kept.scenario))]
    overlays = scenario_files(args)[1:]
    scenario = declare(load_files(scenario_files(args)))
    paths = Paths(scenario)
    if root.resolve() != Path(paths.folder).resolve():
        raise QuenchError(f"{args.folder}: the scenario {scenario.scenario!r} has its results in {paths.folder}")
    made = [path for path in jobs(paths) if path.endswith(".nc") and Path(path).is_file()]
    if not made:
        raise QuenchError(f"{args.folder}: contains no results that the scenario {scenario.scenario!r} declares")
    refused = []
    for path in made:
        found = list(results.faults(root / Path(path).relative_to(paths.folder), root, scenario))
        for fault in found:
            print(fault)
        if found:
            refused.append(path)
    adoption.remove_unreadable(Path(".snakemake"))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(refused))
        listed.flush()
        _mark(made, overlays, {adoption.VARIABLE: listed.name})
    print(f"{args.folder}: {len(made) - len(refused)} files marked as done, {len(refused) or 'none'} to be made again")


def _mark(targets: list[str], overlays: list[Path], environment: dict[str, str]) -> None:
    """Let Snakemake record ``targets`` and all that they are made from as they are now."""
    files = ["--configfile", *map(str, overlays)] if overlays else []
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *targets,
        "--touch",
        "--forceall",
        "--quiet",
        "rules",
        "progress",
        "--cores",
        "1",
    ]
    ended = subprocess.run(command + files, env=os.environ | environment, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return
    if "LockException" in ended.stderr:
        raise QuenchError("adopt: another Snakemake runs in this folder, or was killed; then first: snakemake --unlock")
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    mistakes = [line.removeprefix("quench: ") for line in lines if line.startswith("quench: ")] or lines[-1:]
    raise QuenchError("\n".join(mistakes) or "adopt: snakemake --touch failed")
