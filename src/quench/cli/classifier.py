"""The inputs of the commands on classifiers: images, choices, and trained networks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quench.cli.options import add_output
from quench.config.base import Positive
from quench.config.sections import Compute
from quench.pipeline.arguments import add_field, reader

if TYPE_CHECKING:
    import xarray as xr

    from quench.dynamics.classifier_task import Task


def add_trained(parser: argparse.ArgumentParser) -> None:
    """Arguments of every command on trained networks."""
    parser.add_argument("images", type=Path, help="images file that they were trained on")
    parser.add_argument("trainings", type=Path, nargs="+", metavar="TRAINING", help="all chunks of one classifier")
    add_device(parser)
    add_output(parser)


def add_device(parser: argparse.ArgumentParser) -> None:
    add_field(parser, "device", Compute.model_fields["device"])
    parser.add_argument("--threads", type=reader(Positive), default=1, help="threads of the arithmetic")


def read_trained(args: argparse.Namespace) -> tuple[xr.Dataset, Task]:
    """The trained networks of all chunks, and their task. Raises ``QuenchError`` for files that do not fit together."""
    from quench.errors import QuenchError
    from quench.pipeline import results
    from quench.store import files

    training = files.concat_chunks(results.read_chunks(args.trainings, "training"), "network")
    config = files.config_of(training)
    task = read_task(args, config)
    if config.get("images", task.source["images"]) != task.source["images"]:
        raise QuenchError(f"{args.images}: not the images of {config['source']!r} that the networks were trained on")
    return training, task


def read_task(args: argparse.Namespace, choices: Mapping[str, Any]) -> Task:
    """The task of training on ``args.images`` under ``choices``, on the device and with the threads of ``args``."""
    from quench.dynamics.choices import Compute
    from quench.dynamics.classifier_task import Task, TrainingChoices
    from quench.errors import QuenchError
    from quench.pipeline import results
    from quench.runtime.device import usable_device

    images, device = results.read(args.images, kind="images"), usable_device(args.device)
    chosen = TrainingChoices.of(choices)
    try:
        return Task.of(images, chosen, Compute(getattr(args, "backend", "reference"), device, threads=args.threads))
    except QuenchError as error:
        raise QuenchError(f"{args.images}: {error}") from None
