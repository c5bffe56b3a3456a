"""Measured dynamics from pretrained networks to snapshots: overdamped Langevin at one temperature, or SGD at one batch size.

quench run pretrained.nc data/mnist5k.nc --dynamics langevin --temperature 1e-4 --step-size 0.02 \\
    --waiting-times 500,2000 --lag-max 30000 -o snapshots.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_compute, add_output, bounded, check_output, integers
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pretrained", type=Path, help="pretrained networks")
    parser.add_argument("dataset", type=Path, help="the dataset file that they were trained on")
    parser.add_argument("--dynamics", choices=("langevin", "sgd"), default="langevin")
    parser.add_argument("--temperature", type=bounded(float, 0.0), help="T of the Langevin noise")
    parser.add_argument("--batch-size", type=bounded(int, 1), help="batch size of SGD")
    parser.add_argument("--step-size", type=bounded(float, 0.0, open_low=True), required=True, help="mu")
    parser.add_argument("--waiting-times", type=integers, required=True, help="t_w, updates, separated by commas")
    parser.add_argument("--lag-max", type=bounded(int, 1), required=True, help="longest lag, updates")
    parser.add_argument("--dense", type=bounded(int, 1), default=10, help="every lag up to this one")
    parser.add_argument("--per-decade", type=bounded(int, 1), default=12, help="log-spaced lags a decade beyond")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from quench import files, snapshots, steps
    from quench.cli import training
    from quench.dynamics.recorders import Snapshots
    from quench.dynamics.schedule import Schedule
    from quench.dynamics.trajectory import Leg, State
    from quench.networks.mlp import Architecture
    from quench.random import stream_id

    wanted, other = ("temperature", "batch_size") if args.dynamics == "langevin" else ("batch_size", "temperature")
    if getattr(args, wanted) is None or getattr(args, other) is not None:
        raise QuenchError(
            f"--dynamics {args.dynamics} takes --{wanted.replace('_', '-')} and no --{other.replace('_', '-')}"
        )
    if not args.waiting_times or min(args.waiting_times) < 0:
        raise QuenchError("--waiting-times: at least one is needed, none below 0")
    dataset = training.read_dataset(args.dataset)
    pretrained = files.read(args.pretrained, kind="pretrained")
    check_output(args.output)
    prepared = files.config_of(pretrained)
    if not {"width", "depth", "weight_decay"} <= prepared.keys():
        raise QuenchError(f"{args.pretrained}: does not say its width, depth and weight decay, as quench pretrain does")
    architecture = Architecture(dataset.sizes["component"], prepared["width"], prepared["depth"])
    if pretrained.sizes["weight"] != architecture.n_weights:
        raise QuenchError(f"{args.pretrained}: its networks do not fit the inputs of {args.dataset}")
    problem, backend = training.make_problem(dataset, architecture, args)
    point = {"temperature": args.temperature} if args.dynamics == "langevin" else {"batch_size": args.batch_size}
    weight_decay = prepared["weight_decay"]
    config = {
        "prepared": prepared,
        "dynamics": args.dynamics,
        **point,
        "step_size": args.step_size,
        "waiting_times": args.waiting_times,
        "lag_max": args.lag_max,
        "dense": args.dense,
        "per_decade": args.per_decade,
        "backend": backend,
        "precision": args.precision,
        "P_D": problem.n_samples,
    }
    code = steps.code(args.dynamics, backend)
    schedule = Schedule(args.waiting_times, args.lag_max, args.dense, args.per_decade)
    seeds = pretrained["seed"].values
    weights = pretrained["weights"].values.astype(np.float64)
    update = training.advance_module(backend, args.dynamics).advance

    def advance(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        where = {"seeds": seeds, "first_step": first_step, "n_steps": n_steps, "weight_decay": weight_decay}
        if args.dynamics == "langevin":
            # The noise of each temperature is a stream of its own: curves at different T are independent.
            stream = stream_id(f"langevin noise at T = {args.temperature!r}")
            return update(
                problem, weights, stream=stream, step_size=args.step_size, temperature=args.temperature, **where
            )
        stream = stream_id(f"batches of {args.batch_size}")
        return update(
            problem, weights, stream=stream, batch_size=args.batch_size, learning_rate=args.step_size, **where
        )

    recorder = Snapshots(problem, weight_decay)

    def finish(state: State) -> None:
        # A network that was lost while it was prepared is lost from time 0 on.
        result = snapshots.build(
            recorder.stacked(),
            schedule.times,
            layer=architecture.layer_index,
            seeds=seeds,
            diverged_at=state.diverged_at,
            sigma=pretrained["weights"].values.std(axis=1),
            **recorder.table(),
        )
        files.write(result, args.output, kind="snapshots", config=config, code=code)

    training.train(
        State(weights),
        [Leg(args.dynamics, int(schedule.times[-1]), advance)],
        schedule.times,
        recorder,
        output=args.output,
        key={
            "config": config,
            "code": code,
            "pretrained": training.content_key(pretrained),
            "dataset": training.content_key(dataset),
        },
        title=f"run {args.output.parent.name}/{args.output.stem}",
        checkpoint_every=args.checkpoint_every,
        finish=finish,
    )
