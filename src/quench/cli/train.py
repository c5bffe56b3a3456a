"""Train a classifier of BJ by plain SGD; displacements, losses and gradient noise are measured during the training.

quench train images/mnist5k.nc --model B --batch-size 10 --rate 0.02 --steps 30000 --seeds 0-3 -o b/0-3.nc

Networks are trained one after the other. Finished ones are kept in a hidden folder beside the output, and the current
one has a checkpoint, so that a restarted job repeats no work.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quench.cli import classifier
from quench.cli.networks import add_checkpoints, add_seeds
from quench.cli.options import add_output, check_output
from quench.config.classifiers import Classifier, Time
from quench.config.sections import Compute
from quench.pipeline.arguments import add_field, add_section, reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, help="images file")
    add_section(parser, Classifier)
    add_seeds(parser)
    parser.add_argument(
        "--keep", type=reader(tuple[Time, ...]), default=(), help="updates after which the weights are kept"
    )
    add_checkpoints(parser)
    add_field(parser, "backend", Compute.model_fields["backend"])
    classifier.add_device(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics.training import complete_parts
    from quench.observables.classifier_training import trajectories
    from quench.provenance import steps

    check_output(args.output)
    task = classifier.read_task(args, vars(args))
    complete_parts(
        trajectories(task, args.seeds, lambda line: print(f"quench: {line}", file=sys.stderr)),
        "network",
        args.output,
        code=steps.code("train", task.backend),
        title=f"train {args.output.parent.name}",
        checkpoint_every=args.checkpoint_every,
    )
