"""Random initial weights through SGD and full-batch descent: the networks that every run of an ensemble starts from.

quench pretrain data/mnist5k.nc --width 16 --depth 6 --weight-decay 0.005 --seeds 0-3 \\
    --learning-rate 0.05 --batch-size 100 --epochs 2000 --polish 50:0.05,50:0.005 -o pretrained.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.networks import add_compute, add_seeds, compute_choices, preparation_choices, read_input
from quench.cli.options import add_output, check_output
from quench.config.sections import Ensemble
from quench.pipeline.arguments import add_section


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="dataset file")
    add_section(parser, Ensemble)
    add_seeds(parser)
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import preparation, training
    from quench.provenance import steps

    dataset = read_input(args.dataset, "dataset")
    check_output(args.output)
    trajectory = preparation.trajectory(
        dataset,
        width=args.width,
        depth=args.depth,
        weight_decay=args.weight_decay,
        seeds=args.seeds,
        preparation=preparation_choices(args),
        loss=args.loss,
        compute=compute_choices(args),
    )
    training.complete(
        trajectory,
        args.output,
        code=steps.code("pretrain", trajectory.config["backend"]),
        title=f"pretrain {args.output.stem}",
        checkpoint_every=args.checkpoint_every,
    )
