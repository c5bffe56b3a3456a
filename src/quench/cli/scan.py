"""Final loss of networks trained at points of the phase diagram: SGD, then full-batch descent (KWJ Sec. III.1).

quench scan data/mnist.nc --points 16:0.001,16:0.01 --seeds 0-9 --learning-rate 0.05 --epochs 1000 \\
    --polish 50:0.05,50:0.005 -o scans/ttt/0-1.nc

Finished points wait in a hidden folder beside the output, so that a killed job does none of them again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.networks import add_preparation, compute_choices, preparation_choices, read_input
from quench.cli.options import add_compute, add_output, check_output, grid_points
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="dataset file")
    parser.add_argument("--points", type=grid_points, required=True, help="WIDTH:LAMBDA,...")
    add_preparation(parser)
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import scan, training
    from quench.dynamics.choices import backend_for
    from quench.provenance import steps

    if not args.points:
        raise QuenchError("--points: at least one is needed")
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
