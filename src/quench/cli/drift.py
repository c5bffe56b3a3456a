"""Diffusion or drift? Noise-free gradient descent restarted from kept configurations of a classifier, beside its SGD.

quench drift images/mnist5k.nc classifiers/b/0-3.nc --starts 8000 --lag-max 1000 -o drift/b.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_output, bounded, check_output, integers
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, help="images file that they were trained on")
    parser.add_argument("trainings", type=Path, nargs="+", metavar="TRAINING", help="all chunks of one classifier")
    parser.add_argument("--starts", type=integers, required=True, help="updates after which descent is restarted")
    parser.add_argument("--lag-max", type=bounded(int, 1), required=True, help="longest lag")
    parser.add_argument("--per-decade", type=bounded(int, 1), default=6, help="lags per decade")
    parser.add_argument("--networks", type=bounded(int, 1), default=1, help="networks, from the first on")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=bounded(int, 1), default=1, help="threads of the arithmetic")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import torch
    import xarray as xr

    from quench.cli import classifier
    from quench.dynamics import training
    from quench.dynamics.drift import beside_gradient_descent
    from quench.dynamics.minibatch import DataOrder
    from quench.dynamics.two_time import log_spaced
    from quench.provenance import steps
    from quench.runtime.progress import Progress
    from quench.store import files
    from quench.store.files import described

    check_output(args.output)
    trainings = classifier.read_trainings(args.trainings)
    choices = files.config_of(trainings)
    weights = classifier.kept_weights(trainings, args.starts)
    if args.networks > trainings.sizes["network"]:
        raise QuenchError(f"--networks: {args.networks} are wanted, but {trainings.sizes['network']} were trained")
    if choices["momentum"]:
        raise QuenchError("gradient descent beside SGD with momentum is not comparable: a restart begins from rest")
    torch.set_num_threads(args.threads)
    task = classifier.task(args.images, choices, training.usable_device(args.device))
    lags = log_spaced(1, args.lag_max, args.per_decade)
    rows: list[dict[str, np.ndarray]] = []
    for number in range(args.networks):
        seed = int(trainings["seed"].values[number])
        network = task.network(seed)
        images, classes = task.train(network)
        order = DataOrder(len(classes), choices["batch_size"], seed, choices["sampling"])
        for start in args.starts:
            network.weights.copy_(torch.from_numpy(weights.sel(kept_time=start).values[number]))
            progress = Progress(f"drift {args.output.stem}, seed {seed}, t_w = {start}", 2 * args.lag_max)
            try:
                found = beside_gradient_descent(
                    network,
                    images,
                    classes,
                    order,
                    choices["rate"],
                    start,
                    lags.tolist(),
                    lambda done, progress=progress: progress.report(done, "descent"),
                )
            except ValueError as error:
                raise QuenchError(f"{args.trainings[0]}: {error}") from None
            progress.close()
            rows.append(found)
    shape, dims = (args.networks, len(args.starts), len(lags)), ("network", "waiting_time", "lag")
    meanings = {
        "sgd": "mean square displacement of SGD",
        "gradient_descent": "mean square displacement of noise-free gradient descent from the same weights",
        "cosine": "cosine between both displacements",
    }
    table = xr.Dataset(
        {
            name: described(np.array([row[name] for row in rows]).reshape(shape), dims, text)
            for name, text in meanings.items()
        },
        coords={
            "waiting_time": described(np.array(args.starts, dtype=np.int64), ("waiting_time",), "t_w", "updates"),
            "lag": described(lags, ("lag",), "t", "updates"),
            "seed": described(trainings["seed"].values[: args.networks], ("network",), "seed of each network"),
        },
    )
    files.write(table, args.output, kind="drift", config={"training": choices}, code=steps.code("drift"))
