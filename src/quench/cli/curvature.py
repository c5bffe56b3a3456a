"""Every eigenvalue of the Hessian of the loss of the networks of a run at one of its snapshots, in float64.

quench curvature snapshots.nc data/mnist.nc --waiting-time 2000 -o curvature.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.networks import read_input
from quench.cli.options import add_output, check_output
from quench.config import sections
from quench.config.base import Time
from quench.dynamics.choices import Compute
from quench.pipeline.arguments import add_field, reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("snapshots", type=Path, help="snapshots of a run")
    parser.add_argument("dataset", type=Path, help="the dataset file that the networks were trained on")
    parser.add_argument("--waiting-time", type=reader(Time), required=True, help="t_w, a snapshot time")
    for name in ("backend", "device"):
        add_field(parser, name, sections.Compute.model_fields[name])
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import problem
    from quench.observables import curvature
    from quench.provenance import steps
    from quench.store import files, snapshots

    trajectory = snapshots.check(read_input(args.snapshots, "snapshots"), args.snapshots)
    check_output(args.output)
    recorded = files.config_of(trajectory)
    prepared, dataset = recorded.get("prepared", {}), read_input(args.dataset, "dataset")
    # The second derivatives of single precision are noise.
    compute = Compute(args.backend, args.device, "float64")
    task = problem.of_networks(trajectory, prepared, dataset, compute)
    result = curvature.of_snapshots(trajectory, task, args.waiting_time, prepared["weight_decay"])
    config = {"trajectory": recorded, "waiting_time": args.waiting_time}
    files.write(result, args.output, kind="curvature", config=config, code=steps.code("curvature", task.backend))
