"""Options and input files of the commands that train the fully connected networks of KWJ."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.options import bounded, integers, polish_legs
from quench.dynamics.choices import Compute, Preparation

if TYPE_CHECKING:
    import xarray as xr


def compute_choices(args: argparse.Namespace) -> Compute:
    """The choices of ``options.add_compute``."""
    return Compute(args.backend, args.device, args.precision, args.threads)


def add_preparation(parser: argparse.ArgumentParser) -> None:
    """Options of every command that prepares networks."""
    parser.add_argument("--depth", type=bounded(int, 1), default=6, help="hidden layers")
    parser.add_argument("--seeds", type=integers, required=True, help="one network per seed: 0,1,2 or 0-9")
    parser.add_argument("--learning-rate", type=bounded(float, 0.0, open_low=True), required=True)
    parser.add_argument("--batch-size", type=bounded(int, 1), default=100)
    parser.add_argument("--epochs", type=bounded(int, 0), required=True)
    parser.add_argument("--polish", type=polish_legs, default=(), help="full-batch descent, EPOCHS:RATE,...")


def preparation_choices(args: argparse.Namespace) -> Preparation:
    """The choices of ``add_preparation``."""
    return Preparation(args.learning_rate, args.epochs, args.batch_size, args.polish)


def read_input(path: Path, kind: str | tuple[str, ...]) -> xr.Dataset:
    """The file at ``path``, which messages about its content will name."""
    from quench.pipeline import results

    dataset = results.read(path, kind=kind)
    dataset.encoding["source"] = path
    return dataset
