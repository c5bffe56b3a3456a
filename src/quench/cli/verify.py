"""Check every file of a results folder: intact, of its kind, matching its path, made by the present code.

quench verify results/default

Pictures are compared with the checksums in the file of plotted numbers beside them. A file is missing where another one
exists that is made from it. The exit status is 1 where something is wrong or missing, and the last lines are the commands
that make it again. Results that were never made are not wrong.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from quench.cli.options import overlay_of
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results of one scenario, such as results/default")


def run(args: argparse.Namespace) -> int:
    from quench.pipeline import expected, results

    root, scenario = results.opened(args.folder)
    paths = results.paths_in(root)
    if not paths:
        raise QuenchError(f"{args.folder}: contains no results yet")
    wrong = []
    for path in paths:
        found = list(results.faults(path, root))
        for fault in found:
            print(fault)
        if found:
            wrong.append(args.folder / path.relative_to(root))
    missing = results.deleted(root)
    for path, user in missing.items():
        print(f"{path}: missing, but {user.relative_to(root)} is made from it")
    undeclared = [path for path in paths if expected.contents(scenario, path.relative_to(root).as_posix()) is None]
    if undeclared:
        print(f"not declared by this scenario, and not read by it: {len(undeclared)} files, such as {undeclared[0]}")
    absent = f", {len(missing)} missing" if missing else ""
    print(f"{args.folder}: {len(paths)} files checked, {len(wrong) or 'nothing'} wrong{absent}")
    if wrong or missing:
        print("to make them again:")
    if missing:
        print(_remedy(scenario.scenario, "", [args.folder / path.relative_to(root) for path in missing]))
    if wrong:
        print(_remedy(scenario.scenario, " --forcerun", wrong))
    sys.stdout.flush()
    return 1 if wrong or missing else 0


def _remedy(scenario: str, option: str, paths: list[Path]) -> str:
    """The command that makes ``paths`` of ``scenario`` again: as targets, or after an ``option`` with what follows."""
    listed = " ".join(shlex.quote(str(path)) for path in paths)
    overlay = f" --configfile {overlay_of(scenario)}" if scenario != "default" else ""
    # An option ends the list of files of --configfile.
    return f"snakemake{overlay}{option} {listed}" if option or not overlay else f"snakemake {listed}{overlay}"
