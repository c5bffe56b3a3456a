"""Options that several commands share, and checks of their values."""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.errors import QuenchError, nearest


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, help="NetCDF file to write")


def check_output(path: Path) -> None:
    """Raise ``QuenchError`` before any work where the output cannot be written."""
    if path.is_dir():
        raise QuenchError(f"{path}: is a folder; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QuenchError(f"{path.parent}: cannot be created ({error.strerror})") from None


def scenario_file(name: str, folder: Path = Path("config")) -> Path:
    """The file in ``folder`` of the scenario ``name``. Raises ``QuenchError`` with the nearest name for an unknown one."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ["default", *sorted(p.stem for p in folder.glob("*.yaml") if p.stem not in {"config", "claims"})]
        raise QuenchError(f"--scenario: no {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    return path
