"""Options and input files of the commands that train the fully connected networks of KWJ."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quench.config import sections
from quench.config.base import Positive
from quench.config.preparation import SGD
from quench.dynamics.choices import Compute, Preparation
from quench.pipeline.arguments import add_field, integers, read_section, reader

if TYPE_CHECKING:
    import xarray as xr


def add_seeds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=integers, required=True, help="one network per seed: 0,1,2 or 0-9")


def add_compute(parser: argparse.ArgumentParser) -> None:
    """Options of every training command."""
    for name in ("backend", "device", "precision"):
        add_field(parser, name, sections.Compute.model_fields[name])
    parser.add_argument("--threads", type=reader(Positive), default=1, help="networks trained at the same time")
    add_checkpoints(parser)


def add_checkpoints(parser: argparse.ArgumentParser) -> None:
    add_field(parser, "checkpoint_every", sections.Compute.model_fields["checkpoint_seconds"])


def compute_choices(args: argparse.Namespace) -> Compute:
    """The choices of ``add_compute``."""
    return Compute(args.backend, args.device, args.precision, args.threads)


def preparation_choices(args: argparse.Namespace) -> Preparation:
    """The choices of the section ``SGD``."""
    return Preparation(**dict(read_section(args, SGD)))


def read_input(path: Path, kind: str | tuple[str, ...]) -> xr.Dataset:
    """The file at ``path``, which messages about its content will name."""
    from quench.pipeline import results

    dataset = results.read(path, kind=kind)
    dataset.encoding["source"] = path
    return dataset
