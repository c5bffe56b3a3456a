"""How far each weight moves from a waiting time on, beside its size and its gradient of the data loss there.

quench mobility snapshots.nc data/mnist.nc --waiting-time 2000 --lag 30000 -o mobility.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_compute, add_output, bounded, check_output
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("snapshots", type=Path, help="snapshots of a run")
    parser.add_argument("dataset", type=Path, help="the dataset file that the networks were trained on")
    parser.add_argument("--waiting-time", type=bounded(int, 0), required=True, help="t_w, a snapshot time")
    parser.add_argument("--lag", type=bounded(int, 1), required=True, help="t; t_w + t must be a snapshot time")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from quench.cli import training
    from quench.networks.mlp import Architecture
    from quench.observables.mobility import mobility
    from quench.pipeline import results
    from quench.provenance import steps
    from quench.store import files, snapshots

    trajectory = snapshots.check(results.read(args.snapshots, kind="snapshots"), args.snapshots)
    check_output(args.output)
    recorded = files.config_of(trajectory)
    prepared = recorded.get("prepared")
    if not prepared:
        raise QuenchError(f"{args.snapshots}: does not say which networks it holds; quench run writes such files")
    loss = prepared.get("loss", steps.LOSSES[0])
    dataset = training.read_dataset(args.dataset, loss)
    architecture = Architecture(dataset.sizes["component"], prepared["width"], prepared["depth"])
    if trajectory.sizes["weight"] != architecture.n_weights:
        raise QuenchError(f"{args.snapshots}: its networks do not fit the inputs of {args.dataset}")
    times = trajectory["time"].values
    for moment in (args.waiting_time, args.waiting_time + args.lag):
        if moment not in times:
            close = times[np.abs(times - moment).argmin()]
            raise QuenchError(f"{args.snapshots}: no snapshot at {moment} (nearest: {close})")
    problem, backend = training.make_problem(dataset, architecture, args, loss)
    reference, later = (
        trajectory["weights"].sel(time=moment).values.astype(np.float64)
        for moment in (args.waiting_time, args.waiting_time + args.lag)
    )
    result = mobility(reference, later, problem.gradient(reference))
    result = result.assign_coords(seed=trajectory["seed"], layer=files.layers(architecture.layer_index))
    config = {"trajectory": recorded, "waiting_time": args.waiting_time, "lag": args.lag}
    files.write(result, args.output, kind="mobility", config=config, code=steps.code("mobility", backend))
