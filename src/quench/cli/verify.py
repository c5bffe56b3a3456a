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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        found = list(_faults(path, scenario, root))
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


def _faults(path: Path, scenario: Any, root: Path) -> Iterator[str]:
    """One line for each fault of the file at ``path``."""
    from quench.pipeline import results, stages
    from quench.store import checksum, files

    try:
        dataset = files.read(path)
        results.check(dataset, path)
        if dataset.attrs.get("kind") is None:
            yield f"{path}: not written by quench, and therefore without a checksum"
            return
        found = stages.find(path.relative_to(root).as_posix(), scenario)
        if found is None:
            return
        if dataset.attrs["code_fingerprint"] not in results.codes_of(dataset, found[0]):
            yield f"{path}: made by a different version of the code"
    except QuenchError as error:
        yield str(error)
        return
    for suffix, digest in files.config_of(dataset).get("pictures", {}).items():
        picture = path.with_suffix(suffix)
        if not picture.is_file():
            yield f"{picture}: missing"
        elif checksum.sha256(picture) != digest:
            yield f"{picture}: not the picture that was drawn with {path.name}"


def _remedy(scenario: str, option: str, paths: list[Path]) -> str:
    """The command that makes ``paths`` of ``scenario`` again: as targets, or after an ``option`` with what follows."""
    listed = " ".join(shlex.quote(str(path)) for path in paths)
    overlay = f" --configfile {_overlay(scenario)}" if scenario != "default" else ""
    # An option ends the list of files of --configfile.
    return f"snakemake{overlay}{option} {listed}" if option or not overlay else f"snakemake {listed}{overlay}"


def _overlay(scenario: str) -> str:
    """The file in config/ that declares ``scenario``, or else the resolved configuration beside its results."""
    import yaml

    for path in sorted(Path("config").glob("*.yaml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(content, dict) and content.get("scenario") == scenario:
            return str(path)
    return f"results/{scenario}/config.yaml"
