"""Options that several commands share, and checks of their values."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from quench.errors import QuenchError, nearest
from quench.runtime.atomic import target


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, help="NetCDF file to write")


def check_output(path: Path) -> None:
    """Raise ``QuenchError`` before any work where the output cannot be written."""
    try:
        folder = target(path).parent
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QuenchError(f"{path}: cannot be written ({error.strerror})") from None
    if not os.access(folder, os.W_OK):
        raise QuenchError(f"{path}: cannot be written (no permission to write to its folder)")


def checked_outputs(stem: Path, suffixes: Iterable[str]) -> list[Path]:
    """The files ``stem`` + suffix of a command that writes several; ``QuenchError`` where one cannot be written."""
    if not stem.name:
        raise QuenchError(f"{stem}: is a folder; name a file")
    paths = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    for path in paths:
        check_output(path)
    return paths


def scenario_file(name: str, folder: Path = Path("config")) -> Path:
    """The overlay that a ``--scenario`` names: a file, or a scenario in ``folder``.

    Raises ``QuenchError`` with the nearest name for an unknown one, and outside a folder with scenarios.
    """
    path = folder / f"{name}.yaml"
    if Path(name).is_file() or path.is_file():
        return Path(name) if Path(name).is_file() else path
    if not folder.is_dir():
        raise QuenchError(f"--scenario: no {folder}/ here, where scenarios are; change to the folder of the Snakefile")
    known = ["default", *sorted(p.stem for p in folder.glob("*.yaml") if p.stem not in {"config", "claims"})]
    raise QuenchError(f"--scenario: no {name!r}{nearest(name, known)}; known: {', '.join(known)}, or a file")
