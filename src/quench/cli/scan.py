"""Final loss of networks trained at points of the phase diagram: SGD, then full-batch descent (KWJ Sec. III.1).

quench scan data/mnist.nc --points 16:0.001,16:0.01 --seeds 0-9 --learning-rate 0.05 --epochs 1000 \\
    --polish 50:0.05,50:0.005 -o scans/ttt/0-1.nc

Finished points wait in a hidden folder beside the output, so that a killed job does none of them again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quench.cli.options import add_compute, add_output, bounded, check_output, grid_points, integers, polish_legs
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, help="dataset file")
    parser.add_argument("--points", type=grid_points, required=True, help="WIDTH:LAMBDA,...")
    parser.add_argument("--depth", type=bounded(int, 1), default=6, help="hidden layers")
    parser.add_argument("--seeds", type=integers, required=True, help="one network a seed at every point: 0,1,2 or 0-9")
    parser.add_argument("--learning-rate", type=bounded(float, 0.0, open_low=True), required=True)
    parser.add_argument("--batch-size", type=bounded(int, 1), default=100)
    parser.add_argument("--epochs", type=bounded(int, 0), required=True)
    parser.add_argument("--polish", type=polish_legs, default=(), help="full-batch descent, EPOCHS:RATE,...")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import shutil

    from quench.cli import training
    from quench.provenance import steps
    from quench.runtime import signals
    from quench.store import files

    if not args.points:
        raise QuenchError("--points: at least one is needed")
    dataset = training.read_dataset(args.dataset)
    check_output(args.output)
    config = {
        "dataset": files.config_of(dataset),
        "depth": args.depth,
        "learning_rate": args.learning_rate,
        "batch_size": args.batch_size,
        "epochs": args.epochs,
        "polish": args.polish,
        "backend": steps.backend_for(args.backend, args.device),
        "precision": args.precision,
        "P_D": int(dataset.sizes["sample"]),
    }
    folder = args.output.parent / f".{args.output.stem}.parts"
    parts = [_point(width, strength, dataset, config, folder, args) for width, strength in args.points]
    joined = files.concat_chunks(parts, "point")
    code = steps.code("scan", config["backend"])
    with signals.defer_interrupt():
        files.write(joined, args.output, kind="scan", config=config, code=code)
        shutil.rmtree(folder, ignore_errors=True)


def _point(width: int, strength: float, dataset: Any, config: dict, folder: Path, args: argparse.Namespace) -> Any:
    """The scan of one point: from its own file if this work has been done, else trained now."""
    import numpy as np

    from quench.cli import training
    from quench.dynamics import preparation
    from quench.dynamics.recorders import LossCurve
    from quench.dynamics.trajectory import State
    from quench.networks.mlp import Architecture, initial_weights
    from quench.provenance import steps
    from quench.store import files

    seeds = np.array(args.seeds, dtype=np.int64)
    path = folder / f"n{width}-lambda{strength!r}.nc"
    code = steps.code("scan", config["backend"])
    key = {"config": config, "seeds": list(args.seeds), "dataset": training.content_key(dataset)}
    key = key | {"width": width, "weight_decay": strength, "code": code}
    part = training.finished(path, "scan", key)
    if part is not None:
        return part
    folder.mkdir(parents=True, exist_ok=True)
    architecture = Architecture(dataset.sizes["component"], width, args.depth)
    problem, backend = training.make_problem(dataset, architecture, args)
    protocol = {"batch_size": args.batch_size, "epochs": args.epochs, "polish": args.polish}
    legs = preparation.legs(
        problem,
        training.advance_module(backend, "sgd").advance,
        seeds,
        learning_rate=args.learning_rate,
        weight_decay=strength,
        **protocol,
    )
    times = preparation.look_times(problem.n_samples, **protocol)
    curve = LossCurve(problem, strength)

    def finish(state: State) -> None:
        files.write(
            _table(architecture, strength, seeds, times, state, curve.table()),
            path,
            kind="scan",
            config=key,
            code=code,
        )

    training.train(
        State(np.stack([initial_weights(architecture, seed) for seed in args.seeds])),
        legs,
        times,
        curve,
        output=path,
        key=key,
        title=f"scan {args.output.parent.name}: n = {width}, lambda = {strength:g}",
        checkpoint_every=args.checkpoint_every,
        finish=finish,
    )
    return files.read(path, kind="scan")


def _table(architecture: Any, strength: float, seeds: Any, times: Any, state: Any, curves: dict) -> Any:
    """The ``scan`` contract for one point: final values (point, network) and loss curves (point, network, time)."""
    import numpy as np
    import xarray as xr

    from quench.store.files import described

    by_network = ("point", "network")
    kwj = "Kerr Winter & Janssen 2024"
    last = {name: values[:, -1][None] for name, values in curves.items()}
    norm = np.square(state.weights).sum(axis=1)[None]
    return xr.Dataset(
        {
            "data_loss": described(
                last["data_loss"], by_network, "final quadratic hinge loss", references=f"{kwj}, Eq. 1"
            ),
            "loss": described(last["loss"], by_network, "final regularised loss", references=f"{kwj}, Eq. 2"),
            "squared_norm": described(norm, by_network, "|W|^2 at the end of training"),
            "active_fraction": described(last["active_fraction"], by_network, "share of samples with a positive hinge"),
            "diverged_at": described(
                state.diverged_at[None],
                by_network,
                "updates after which a weight was first not finite; -1: never",
                "updates",
            ),
            "loss_curve": described(curves["loss"][None], (*by_network, "time"), "training loss with regularisation"),
            "data_loss_curve": described(curves["data_loss"][None], (*by_network, "time"), "quadratic hinge loss"),
        },
        coords={
            "width": described([architecture.width], ("point",), "units in every hidden layer"),
            "weight_decay": described([strength], ("point",), "lambda, strength of the regularisation"),
            "n_weights": described([architecture.n_weights], ("point",), "number of weights"),
            "seed": described(seeds, ("network",), "seed of each network"),
            "time": described(times, ("time",), "updates since the random initial weights", "updates"),
        },
    )
