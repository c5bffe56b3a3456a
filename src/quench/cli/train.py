"""A classifier of BJ by plain SGD, with its two-time displacements, losses and gradient noise measured on the way.

quench train images/mnist5k.nc --model B --batch-size 10 --rate 0.02 --steps 30000 --seeds 0-3 -o b/0-3.nc

Networks are trained one after the other; finished ones wait in a hidden folder beside the output, and the one at work
has a checkpoint, so that a killed job does nothing again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from quench.cli.options import add_output, bounded, check_output, integers
from quench.errors import QuenchError
from quench.networks.catalogue import PAPER_WIDTHS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    positive = bounded(int, 1)
    parser.add_argument("images", type=Path, help="images file")
    parser.add_argument("--model", choices=tuple(PAPER_WIDTHS), required=True)
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
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=positive, default=1, help="threads of the arithmetic")
    parser.add_argument("--checkpoint-every", type=bounded(float, 0.0), default=60.0, metavar="SECONDS")
    add_output(parser)


# What identifies a training; seeds, paths and how the work is done do not belong to it.
CHOICES = (
    "model",
    "widths",
    "multiplier",
    "train_samples",
    "test_samples",
    "side",
    "channels",
    "pool",
    "batch_size",
    "rate",
    "momentum",
    "sampling",
    "steps",
    "waiting_per_decade",
    "lags_per_decade",
    "windows",
    "measures_per_decade",
    "noise",
    "noise_draws",
    "noise_batches",
    "keep",
)


def run(args: argparse.Namespace) -> None:
    import shutil

    import torch

    from quench.cli import classifier, training
    from quench.provenance import steps
    from quench.runtime import signals
    from quench.store import files

    choices = {name: getattr(args, name) for name in CHOICES}
    check_output(args.output)
    if any(time > args.steps for time in args.keep):
        raise QuenchError(f"--keep: {max(args.keep)} is beyond the run of {args.steps} updates")
    torch.set_num_threads(args.threads)
    task = classifier.task(args.images, choices, training.usable_device(args.device))
    code = steps.code("train")
    folder = args.output.parent / f".{args.output.stem}.parts"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_network(seed, task, args, folder / f"{seed}.nc", code) for seed in args.seeds]
    joined = files.concat_chunks(parts, "network")
    with signals.defer_interrupt():
        files.write(joined, args.output, kind="training", config=files.config_of(parts[0])["training"], code=code)
        shutil.rmtree(folder, ignore_errors=True)


def _network(seed: int, task: Any, args: argparse.Namespace, path: Path, code: str) -> Any:
    """The training of one network: from its own file if this work has been done, else done now."""
    import numpy as np

    from quench.cli import training
    from quench.dynamics.minibatch import DataOrder, Descent, Record
    from quench.dynamics.trajectory import Leg, State
    from quench.dynamics.two_time import TwoTimeSchedule, log_spaced
    from quench.observables.probe import Probe
    from quench.store import files

    network = task.network(seed)
    images, classes = task.train(network)
    try:
        order = DataOrder(len(classes), args.batch_size, seed, args.sampling)
    except ValueError as error:
        raise QuenchError(f"--batch-size: {error}") from None
    probe = Probe(
        (images, classes),
        task.test(network),
        batch_size=args.batch_size,
        seed=seed,
        method=args.noise,
        n_draws=args.noise_draws,
        n_batches=args.noise_batches,
    )
    config = (
        dict(task.choices)
        | dict(task.source)
        | {
            "n_weights": network.n_weights,
            "n_train": len(classes),
            "n_test": len(task.inputs.test_classes),
            "n_classes": task.images.classes,
            "constant_loss": network.loss.of_constant_predictor(task.images.classes),
            "noise_method": probe.method_for(network),
        }
    )
    key = {"training": config, "seed": seed, "code": code}
    part = training.finished(path, "training", key)
    if part is not None:
        return part
    schedule = TwoTimeSchedule(args.steps, args.waiting_per_decade, args.lags_per_decade, args.windows)
    _tell_memory(schedule, network.n_weights)
    measure_at = np.concatenate([[0], log_spaced(1, args.steps, args.measures_per_decade), schedule.waiting_times])
    descent = Descent(network, images, classes, order, args.rate, args.momentum)
    record = Record(descent, schedule, measure_at, probe, args.keep)

    def finish(state: State) -> None:
        table = _table(record, schedule, seed, int(state.diverged_at[0]), network.parameter_index)
        files.write(table, path, kind="training", config=key, code=code)

    training.train(
        descent.state(),
        [Leg("sgd", args.steps, descent.advance)],
        record.times.tolist(),
        record,
        output=path,
        key=key,
        title=f"train {args.output.parent.name}, seed {seed}",
        checkpoint_every=args.checkpoint_every,
        finish=finish,
    )
    return files.read(path, kind="training")


def _tell_memory(schedule: Any, n_weights: int) -> None:
    held, size = schedule.most_references(), schedule.memory(n_weights) / 2**20
    print(f"quench: {n_weights:,} weights, at most {held} references held at once: {size:,.0f} MiB", file=sys.stderr)


def _table(record: Any, schedule: Any, seed: int, diverged_at: int, parameter: Any) -> Any:
    """The ``training`` contract for one network."""
    import numpy as np
    import xarray as xr

    from quench.store.files import described

    bj = "Baity-Jesi et al. 2018"
    meanings = {
        "train_loss": ("training loss", ""),
        "train_accuracy": ("share of training images classified rightly", ""),
        "test_loss": ("test loss", ""),
        "test_accuracy": ("share of test images classified rightly", ""),
        "noise": ("D, variance of the gradient over samples per weight", f"{bj}, Eq. 4"),
        "noise_error": ("standard error of D; 0 where every sample was used", ""),
        "gradient_square": ("|grad L|^2", ""),
        "weight_square": ("|w|^2 / M", ""),
    }
    missing = np.full(len(record.measure_at), np.nan)
    curves = {
        name: described(record.curves.get(name, missing)[None], ("network", "time"), text, references=source)
        for name, (text, source) in meanings.items()
    }
    kept = np.full((len(record.keep_at), len(parameter)), np.nan, dtype=np.float32)
    for place, step in enumerate(record.keep_at):
        if int(step) in record.kept:
            kept[place] = record.kept[int(step)]
    updates = "updates"
    return xr.Dataset(
        curves
        | {
            "displacement": described(
                record.displacement.table[None],
                ("network", "waiting_time", "start", "lag"),
                "Delta(t_w, t_w + t), mean square displacement from every start of the window of t_w",
                references=f"{bj}, Eq. 3",
            ),
            "weights": described(kept[None], ("network", "kept_time", "weight"), "weights"),
            "start_time": described(
                schedule.starts, ("waiting_time", "start"), "starts in [t_w, 1.1 t_w]; -1: none", updates
            ),
            "parameter": described(parameter, ("weight",), "parameter tensor of each weight, 0 at the input"),
        },
        coords={
            "time": described(record.measure_at, ("time",), "updates since initialisation", updates),
            "waiting_time": described(schedule.waiting_times, ("waiting_time",), "t_w", updates),
            "lag": described(schedule.lags, ("lag",), "t", updates),
            "kept_time": described(record.keep_at, ("kept_time",), "updates since initialisation", updates),
            "seed": described([seed], ("network",), "seed of each network"),
            "diverged_at": described(
                [diverged_at], ("network",), "updates after which a weight was found not finite; -1: never", updates
            ),
        },
    )
