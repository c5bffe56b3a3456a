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
from quench.cli.options import add_output, bounded, check_output, integers
from quench.networks.models import MODELS

_MODELS = "; ".join(f"{name}: {model.summary}" for name, model in MODELS.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    positive = bounded(int, 1)
    parser.add_argument("images", type=Path, help="images file")
    parser.add_argument("--model", choices=tuple(MODELS), required=True, help=_MODELS)
    parser.add_argument("--widths", type=integers, help="widths of the layers instead of the paper's")
    parser.add_argument("--multiplier", type=bounded(float, 0.0, open_low=True), default=1.0, help="on all widths")
    parser.add_argument("--train-samples", type=positive, help="training images, classes in turn (default: all)")
    parser.add_argument("--test-samples", type=positive, help="test images, classes in turn (default: all)")
    parser.add_argument("--side", type=positive, help="pad with black to SIDE x SIDE pixels")
    parser.add_argument("--channels", type=int, choices=(1, 3), help="repeat grey images to so many channels")
    parser.add_argument("--pool", type=positive, default=1, help="average over POOL x POOL pixels")
    parser.add_argument("--batch-size", type=positive, required=True, help="B, samples an update")
    parser.add_argument("--rate", type=bounded(float, 0.0, open_low=True), required=True, help="alpha, learning rate")
    parser.add_argument("--momentum", type=bounded(float, 0.0, 1.0), default=0.0)
    parser.add_argument("--sampling", choices=("epoch", "iid"), default="epoch", help="how batches are drawn")
    parser.add_argument("--steps", type=bounded(int, 2), required=True, help="length of the run, updates")
    parser.add_argument("--seeds", type=integers, required=True, help="one network a seed: 0,1,2 or 0-9")
    parser.add_argument("--waiting-per-decade", type=positive, default=5)
    parser.add_argument("--lags-per-decade", type=positive, default=8)
    parser.add_argument("--windows", type=positive, default=8, help="starts in [t_w, 1.1 t_w] to average over")
    parser.add_argument("--measures-per-decade", type=positive, default=8, help="of loss and noise")
    parser.add_argument("--noise", choices=("auto", "exact", "sampled", "minibatches"), default="auto")
    parser.add_argument("--noise-draws", type=bounded(int, 2), default=200, help="gradients of the sampled method")
    parser.add_argument("--noise-batches", type=bounded(int, 4), default=40, help="batches of the minibatches method")
    parser.add_argument("--keep", type=integers, default=(), help="updates after which the configuration is kept")
    classifier.add_device(parser)
    parser.add_argument("--checkpoint-every", type=bounded(float, 0.0), default=60.0, metavar="SECONDS")
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
        code=steps.code("train"),
        title=f"train {args.output.parent.name}",
        checkpoint_every=args.checkpoint_every,
    )
