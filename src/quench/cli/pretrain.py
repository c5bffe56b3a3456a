"""Random initial weights through SGD and full-batch descent: the networks that every run of an ensemble starts from.

quench pretrain data/mnist5k.nc --width 16 --depth 6 --weight-decay 0.005 --seeds 0-3 \\
    --learning-rate 0.05 --batch-size 100 --epochs 2000 --polish 50:0.05,50:0.005 -o pretrained.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_compute, add_output, bounded, check_output, integers, polish_legs
from quench.errors import QuenchError
from quench.provenance.steps import LOSSES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="dataset file")
    parser.add_argument("--width", type=bounded(int, 1), required=True, help="units in every hidden layer")
    parser.add_argument("--depth", type=bounded(int, 1), default=6, help="hidden layers")
    parser.add_argument("--loss", choices=LOSSES, default=LOSSES[0], help="of a sample")
    parser.add_argument("--weight-decay", type=bounded(float, 0.0), default=0.0, help="lambda")
    parser.add_argument("--seeds", type=integers, required=True, help="one network a seed: 0,1,2 or 0-9")
    parser.add_argument("--learning-rate", type=bounded(float, 0.0, open_low=True), required=True)
    parser.add_argument("--batch-size", type=bounded(int, 1), default=100)
    parser.add_argument("--epochs", type=bounded(int, 0), required=True)
    parser.add_argument("--polish", type=polish_legs, default=(), help="full-batch descent, EPOCHS:RATE,...")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import xarray as xr

    from quench.cli import training
    from quench.dynamics import preparation
    from quench.dynamics.recorders import LossCurve
    from quench.dynamics.trajectory import State
    from quench.networks.mlp import Architecture, initial_weights
    from quench.provenance import steps
    from quench.store import files

    if len(set(args.seeds)) != len(args.seeds):
        raise QuenchError("--seeds: a seed is named twice; every network counts once")
    dataset = training.read_dataset(args.dataset, args.loss)
    check_output(args.output)
    architecture = Architecture(dataset.sizes["component"], args.width, args.depth)
    problem, backend = training.make_problem(dataset, architecture, args, args.loss)
    config = {
        "dataset": files.config_of(dataset),
        "width": args.width,
        "depth": args.depth,
        "loss": args.loss,
        "weight_decay": args.weight_decay,
        "learning_rate": args.learning_rate,
        "batch_size": args.batch_size,
        "epochs": args.epochs,
        "polish": args.polish,
        "backend": backend,
        "precision": args.precision,
        "P_D": problem.n_samples,
    }
    code = steps.code("pretrain", backend)
    seeds = np.array(args.seeds, dtype=np.int64)
    protocol = {"batch_size": args.batch_size, "epochs": args.epochs, "polish": args.polish}
    legs = preparation.legs(
        problem,
        training.advance_module(backend, "sgd").advance,
        seeds,
        learning_rate=args.learning_rate,
        weight_decay=args.weight_decay,
        **protocol,
    )
    times = preparation.look_times(problem.n_samples, **protocol)
    curve = LossCurve(problem, args.weight_decay)
    device = str(getattr(problem, "device", "cpu"))

    def finish(state: State) -> None:
        by_look = {
            name: files.described(values, ("network", "time"), name.replace("_", " "))
            for name, values in curve.table().items()
        }
        result = xr.Dataset(
            {"weights": files.described(state.weights, ("network", "weight"), "weights after preparation"), **by_look},
            coords={
                "time": files.described(times, ("time",), "updates since the random initial weights", "updates"),
                "layer": files.layers(architecture.layer_index),
                "seed": files.described(seeds, ("network",), "seed of each network"),
                "diverged_at": files.described(
                    state.diverged_at,
                    ("network",),
                    "updates after which a weight was first not finite; -1: never",
                    "updates",
                ),
            },
        )
        files.write(result.assign_attrs(device=device), args.output, kind="pretrained", config=config, code=code)

    training.train(
        State(np.stack([initial_weights(architecture, seed) for seed in args.seeds])),
        legs,
        times,
        curve,
        output=args.output,
        key={
            "config": config,
            "code": code,
            "device": device,
            "seeds": args.seeds,
            "dataset": training.content_key(dataset),
        },
        title=f"pretrain {args.output.stem}",
        checkpoint_every=args.checkpoint_every,
        finish=finish,
    )
