"""Final loss of networks trained at points of the phase diagram: SGD, then full-batch descent (KWJ Sec. III.1).

quench scan data/mnist.nc --points 16:0.001,16:0.01 --seeds 0-9 --learning-rate 0.05 --epochs 1000 \\
    --polish 50:0.05,50:0.005 -o scans/ttt/0-1.nc

Finished points wait in a hidden folder beside the output, so that a killed job does none of them again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import Field

from quench.cli.networks import add_compute, add_seeds, compute_choices, preparation_choices, read_input
from quench.cli.options import add_output, check_output
from quench.config.base import Positive
from quench.config.scans import Scan, Strength
from quench.pipeline.arguments import add_section, reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="dataset file")
    points = reader(tuple[tuple[Positive, Strength], ...], Field(min_length=1), examples=[((16, 0.001), (16, 0.01))])
    parser.add_argument("--points", type=points, required=True, help="WIDTH:LAMBDA,...")
    add_section(parser, Scan)
    add_seeds(parser)
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import scan, training
    from quench.dynamics.choices import backend_for
    from quench.provenance import steps

    dataset = read_input(args.dataset, "dataset")
    check_output(args.output)
    training.complete_parts(
        scan.trajectories(
            dataset,
            args.points,
            depth=args.depth,
            seeds=args.seeds,
            preparation=preparation_choices(args),
            compute=compute_choices(args),
        ),
        "point",
        args.output,
        code=steps.code("scan", backend_for(args.backend, args.device)),
        title=f"scan {args.output.parent.name}",
        checkpoint_every=args.checkpoint_every,
    )
