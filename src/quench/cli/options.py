"""Options that several commands share, and checks of their values."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from quench.errors import QuenchError, nearest
from quench.pipeline import arguments

Number = TypeVar("Number", int, float)
integers = arguments.integers


def numbers(text: str) -> tuple[float, ...]:
    """Numbers separated by commas."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers") from None
    if not all(map(math.isfinite, values)):
        raise argparse.ArgumentTypeError(f"{text!r} contains a number that is not finite")
    return values


def pair(text: str) -> tuple[int, int]:
    """``2000:30000``: two whole numbers."""
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: write two whole numbers with a colon between")
    return int(first), int(last)


def bounded(
    kind: Callable[[str], Number], low: Number, high: float = math.inf, open_low: bool = False
) -> Callable[[str], Number]:
    """An argparse type: a finite number of ``kind`` in [low, high], or (low, high]."""

    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a{'n integer' if kind is int else ' number'}") from None
        if not (math.isfinite(value) and (low < value <= high if open_low else low <= value <= high)):
            raise argparse.ArgumentTypeError(f"{text} is out of range: {'more than' if open_low else 'at least'} {low}")
        return value

    return parse


def add_compute(parser: argparse.ArgumentParser) -> None:
    """Options of every training command."""
    parser.add_argument("--backend", choices=("auto", "reference", "fused"), default="auto", help="training engine")
    parser.add_argument("--device", default="cpu", help="device of the reference backend (cpu, cuda, cuda:1, mps)")
    parser.add_argument("--precision", choices=("float32", "float64"), default="float32", help="gradient arithmetic")
    parser.add_argument("--threads", type=bounded(int, 1), default=1, help="networks trained at the same time")
    parser.add_argument(
        "--checkpoint-every",
        type=bounded(float, 0.0),
        default=60.0,
        metavar="SECONDS",
        help="time between checkpoints (default: 60)",
    )


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


def polish_legs(text: str) -> tuple[tuple[int, float], ...]:
    """``50:0.05,50:0.005``: epochs and learning rate of every stretch of full-batch descent."""
    legs: list[Any] = []
    for part in filter(None, text.split(",")):
        epochs, colon, rate = part.partition(":")
        try:
            if not colon or int(epochs) < 1 or not 0 < float(rate) < math.inf:
                raise ValueError
            legs.append((int(epochs), float(rate)))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r}: write EPOCHS:RATE, both positive") from None
    return tuple(legs)


def grid_points(text: str) -> tuple[tuple[int, float], ...]:
    """``16:0.001,16:0.003``: width and regularisation strength of every grid point."""
    points: list[tuple[int, float]] = []
    for part in filter(None, text.split(",")):
        width, colon, strength = part.partition(":")
        try:
            if not colon or int(width) < 1 or not 0 <= float(strength) < math.inf:
                raise ValueError
            points.append((int(width), float(strength)))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r}: write WIDTH:LAMBDA, as in 16:0.005") from None
    return tuple(points)


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Options that choose a scenario, by name or as files."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--scenario", default="default", help="name of an overlay in config/ (default: none)")
    which.add_argument("--configfile", nargs="+", type=Path, metavar="FILE", help="overlays of the default, as files")
    parser.add_argument("--config-folder", type=Path, default=Path("config"), help=argparse.SUPPRESS)


def scenario_files(args: argparse.Namespace) -> list[Path]:
    """The files of the scenario that the options of ``add_scenario`` choose, the default first."""
    base = args.config_folder / "config.yaml"
    if args.configfile:
        return [base, *args.configfile]
    return [base] if args.scenario == "default" else [base, scenario_file(args.scenario, args.config_folder)]


def scenario_file(name: str, folder: Path = Path("config")) -> Path:
    """The file in ``folder`` of the scenario ``name``. Raises ``QuenchError`` with the nearest name for an unknown one."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ["default", *sorted(p.stem for p in folder.glob("*.yaml") if p.stem not in {"config", "claims"})]
        raise QuenchError(f"--scenario: no {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    return path
