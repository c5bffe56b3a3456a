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


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Options that choose a scenario, by name or as files."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="overlay of the default scenario: a name in config/, or a file; may be repeated",
    )
    which.add_argument("--configfile", nargs="+", type=Path, metavar="FILE", help="overlays of the default, as files")
    parser.add_argument("--config-folder", type=Path, default=Path("config"), help=argparse.SUPPRESS)


def scenario_files(args: argparse.Namespace) -> list[Path]:
    """The files of the scenario that the options of ``add_scenario`` choose, the default first."""
    base = args.config_folder / "config.yaml"
    if not base.is_file():
        raise QuenchError(f"{base}: not found; change to the folder of the Snakefile")
    named = [scenario_file(name, args.config_folder) for name in args.scenario if name != "default"]
    return [base, *(args.configfile or named)]


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


def overlay_of(scenario: str) -> str:
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
