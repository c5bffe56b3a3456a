"""Measured dynamics from pretrained networks to snapshots: overdamped Langevin at one temperature (at once, or annealed),
or SGD, with momentum or without, or Adam at one batch size.

quench run pretrained.nc data/mnist5k.nc --dynamics langevin --temperature 1e-4 --step-size 0.02 \\
    --waiting-times 500,2000 --lag-max 30000 -o snapshots.nc

With --snapshots streamed, the observables that quench observe would measure at every --chi are measured during the run
and no snapshot is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.networks import compute_choices, read_input
from quench.cli.options import add_compute, add_output, bounded, check_output, integers, numbers, pair
from quench.dynamics.annealing import FORMS, Annealing
from quench.dynamics.choices import SGD, Adam, Dynamics, Langevin
from quench.errors import QuenchError

if TYPE_CHECKING:
    from quench.dynamics.run import Recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pretrained", type=Path, help="pretrained networks")
    parser.add_argument("dataset", type=Path, help="the dataset file that they were trained on")
    parser.add_argument("--dynamics", choices=("langevin", "sgd", "adam"), default="langevin")
    parser.add_argument("--temperature", type=bounded(float, 0.0), help="T of the Langevin noise")
    parser.add_argument("--batch-size", type=bounded(int, 1), help="batch size of SGD or Adam")
    parser.add_argument("--momentum", type=bounded(float, 0.0, 1.0), default=0.0, help="beta of SGD")
    parser.add_argument("--drop-last", action="store_true", help="leave out a smaller last batch of an epoch of SGD")
    parser.add_argument("--betas", type=numbers, default=(0.9, 0.999), help="beta1,beta2 of Adam")
    parser.add_argument("--anneal-start", type=bounded(float, 0.0), help="T at the start, which falls to --temperature")
    parser.add_argument("--anneal-updates", type=bounded(int, 1), help="updates that this takes")
    parser.add_argument("--anneal-form", choices=FORMS, default=FORMS[0], help="form of the decrease of T")
    parser.add_argument("--step-size", type=bounded(float, 0.0, open_low=True), required=True, help="mu")
    parser.add_argument("--waiting-times", type=integers, required=True, help="t_w, updates, separated by commas")
    parser.add_argument("--lag-max", type=bounded(int, 1), required=True, help="longest lag, updates")
    parser.add_argument("--dense", type=bounded(int, 1), default=10, help="every lag up to this one")
    parser.add_argument("--per-decade", type=bounded(int, 1), default=12, help="log-spaced lags per decade beyond")
    parser.add_argument(
        "--snapshots",
        choices=("full", "streamed"),
        default="full",
        help="keep the snapshots, or measure during the run and keep none",
    )
    streamed = parser.add_argument_group("what --snapshots streamed measures (as for quench observe)")
    streamed.add_argument("--chi", type=numbers, default=(), help="overlap lengths epsilon = sigma / chi")
    streamed.add_argument("--motility-lags", type=integers, default=(), help="lags with a motility histogram")
    streamed.add_argument(
        "--mobility", type=pair, metavar="T_W:LAG", help="measure single weights between these times (quench mobility)"
    )
    streamed.add_argument("--hidden-only", action="store_true", help="leave out the output layer")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.cost import disk
    from quench.dynamics import training
    from quench.dynamics.run import trajectory
    from quench.dynamics.schedule import Schedule
    from quench.provenance import steps

    dynamics, recording = _dynamics(args), _recording(args)
    pretrained = read_input(args.pretrained, "pretrained")
    check_output(args.output)
    schedule = Schedule(args.waiting_times, args.lag_max, args.dense, args.per_decade)
    job = trajectory(
        pretrained,
        read_input(args.dataset, "dataset"),
        dynamics,
        schedule,
        compute=compute_choices(args),
        recording=recording,
    )
    title = f"run {'/'.join(args.output.with_suffix('').parts[-3:])}"
    disk.report_run(
        title,
        args.output.parent,
        schedule,
        *job.state.weights.shape,
        streamed=args.snapshots == "streamed",
        n_chis=len(args.chi),
        n_motility=len(args.motility_lags),
    )
    code = steps.code(steps.run_step(dynamics.optimiser, args.snapshots), job.config["backend"])
    training.complete(job, args.output, code=code, title=title, checkpoint_every=args.checkpoint_every)


def _dynamics(args: argparse.Namespace) -> Dynamics:
    """The declared dynamics; ``QuenchError`` for options that do not go together."""
    wanted, other = ("temperature", "batch_size") if args.dynamics == "langevin" else ("batch_size", "temperature")
    if getattr(args, wanted) is None or getattr(args, other) is not None:
        raise QuenchError(
            f"--dynamics {args.dynamics} takes --{wanted.replace('_', '-')} and no --{other.replace('_', '-')}"
        )
    if (args.momentum or args.drop_last) and args.dynamics != "sgd":
        raise QuenchError("--momentum and --drop-last: for --dynamics sgd")
    if args.anneal_start is not None and args.dynamics != "langevin":
        raise QuenchError("--anneal-start: for --dynamics langevin")
    if (args.anneal_start is None) != (args.anneal_updates is None):
        raise QuenchError("--anneal-start and --anneal-updates belong together")
    try:
        if args.dynamics == "adam":
            return Adam(args.step_size, args.batch_size, args.betas)
        if args.dynamics == "sgd":
            return SGD(args.step_size, args.batch_size, args.momentum, drop_last=args.drop_last)
        return Langevin(args.step_size, args.temperature, _annealing(args))
    except ValueError as error:
        raise QuenchError(f"--dynamics {args.dynamics}: {error}") from None


def _annealing(args: argparse.Namespace) -> Annealing | None:
    if args.anneal_start is None:
        return None
    return Annealing(args.anneal_start, args.temperature, args.anneal_updates, args.anneal_form)


def _recording(args: argparse.Namespace) -> Callable[..., Recording]:
    """What the run records; ``QuenchError`` for options that do not go together."""
    from quench.dynamics.run import full
    from quench.observables import streaming

    if args.snapshots == "full":
        if args.chi or args.motility_lags or args.hidden_only or args.mobility:
            raise QuenchError(
                "--chi, --motility-lags, --hidden-only and --mobility: for --snapshots streamed; of snapshots, quench"
                " observe and quench mobility measure them"
            )
        return full
    if not args.chi or min(args.chi) <= 0:
        raise QuenchError("--snapshots streamed: --chi is needed, all of them above 0")
    return partial(
        streaming.recording,
        chis=args.chi,
        motility_lags=args.motility_lags,
        hidden_only=args.hidden_only,
        mobility=args.mobility,
    )
