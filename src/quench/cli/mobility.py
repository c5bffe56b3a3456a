"""How far each weight moves from a waiting time on, beside its size and its gradient of the data loss there.

Of a streamed run (quench run --snapshots streamed --mobility T_W,LAG) the same comes out as was measured during the run.

quench mobility snapshots.nc data/mnist.nc --waiting-time 2000 --lag 30000 -o mobility.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.networks import add_compute, compute_choices, read_input
from quench.cli.options import add_output, check_output
from quench.config.base import Positive, Time
from quench.pipeline.arguments import reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("snapshots", type=Path, help="snapshots of a run")
    parser.add_argument("dataset", type=Path, help="the dataset file that the networks were trained on")
    parser.add_argument("--waiting-time", type=reader(Time), required=True, help="t_w, a snapshot time")
    parser.add_argument("--lag", type=reader(Positive), required=True, help="t; t_w + t must be a snapshot time")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import problem
    from quench.observables import mobility
    from quench.provenance import steps
    from quench.store import files, snapshots

    trajectory = read_input(args.snapshots, ("snapshots", "streamed"))
    check_output(args.output)
    dataset, recorded = read_input(args.dataset, "dataset"), files.config_of(trajectory)
    if trajectory.attrs.get("kind") == "streamed":
        result, backend = mobility.of_streamed(trajectory, args.waiting_time, args.lag), recorded["backend"]
    else:
        trajectory = snapshots.check(trajectory, args.snapshots)
        task = problem.of_networks(trajectory, recorded.get("prepared", {}), dataset, compute_choices(args))
        backend = task.backend
        result = mobility.of_snapshots(trajectory, task, args.waiting_time, args.lag)
    config = {"trajectory": recorded, "waiting_time": args.waiting_time, "lag": args.lag}
    files.write(result, args.output, kind="mobility", config=config, code=steps.code("mobility", backend))
