"""Check every file of a results folder: intact, of its kind, matching its path, made by the present code.

quench verify results/default
quench verify results/default --against /elsewhere/results/default

Pictures are compared with the checksums in the file of plotted numbers beside them. A file is missing where another one
exists that is made from it. The exit status is 1 where something is wrong or missing, and the last lines are the commands
that make it again. Results that were never made are not wrong.

With --against, the data of two folders are compared instead: what compiled code makes has equal bytes on every machine, what
NumPy, BLAS and torch make stays within a bound. Provenance may differ. The exit status is 1 where a file is missing, or
differs for another reason.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.options import overlay_of
from quench.errors import QuenchError

if TYPE_CHECKING:
    from quench.config.sections import Scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results of one scenario, such as results/default")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="compare with the same results made elsewhere")


def run(args: argparse.Namespace) -> int:
    from quench.pipeline import expected, results

    root, scenario = results.opened(args.folder)
    if args.against:
        return _compare(root, results.opened(args.against)[0], scenario)
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


def _compare(root: Path, other: Path, scenario: Scenario) -> int:
    """Print every difference between two folders of results, and count them."""
    from quench.pipeline import differences, results

    found = list(differences.compare(root, other, scenario))
    for one in found:
        print(f"{one.name}: {one.what} ({'allowed' if one.allowed else 'not allowed'}: {one.why})")
    wrong = sum(not one.allowed for one in found)
    print(
        f"{len(results.paths_in(root))} files compared: {len(found) - wrong} differ within their bounds, {wrong} otherwise"
    )
    return 1 if wrong else 0


def _remedy(scenario: str, option: str, paths: list[Path]) -> str:
    """The command that makes ``paths`` of ``scenario`` again: as targets, or after an ``option`` with what follows."""
    listed = " ".join(shlex.quote(str(path)) for path in paths)
    overlay = f" --configfile {overlay_of(scenario)}" if scenario != "default" else ""
    # An option ends the list of files of --configfile.
    return f"snakemake{overlay}{option} {listed}" if option or not overlay else f"snakemake {listed}{overlay}"
