"""Measured dynamics from pretrained networks to snapshots: overdamped Langevin at one temperature (at once, or annealed),
or SGD, with momentum or without, or Adam at one batch size.

quench run pretrained.nc data/mnist5k.nc --dynamics langevin --temperature 1e-4 --step-size 0.02 \\
    --waiting-times 500,2000 --lag-max 30000 -o snapshots.nc

With --snapshots streamed, what quench observe would measure at every --chi is measured on the way and no snapshot is kept.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quench.cli.options import add_compute, add_output, bounded, check_output, integers, numbers
from quench.dynamics.annealing import FORMS, Annealing
from quench.errors import QuenchError
from quench.provenance import steps

if TYPE_CHECKING:
    import xarray as xr

    from quench.dynamics.schedule import Schedule


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pretrained", type=Path, help="pretrained networks")
    parser.add_argument("dataset", type=Path, help="the dataset file that they were trained on")
    parser.add_argument("--dynamics", choices=("langevin", "sgd", "adam"), default="langevin")
    parser.add_argument("--temperature", type=bounded(float, 0.0), help="T of the Langevin noise")
    parser.add_argument("--batch-size", type=bounded(int, 1), help="batch size of SGD or Adam")
    parser.add_argument("--momentum", type=bounded(float, 0.0, 1.0), default=0.0, help="beta of SGD")
    parser.add_argument("--betas", type=numbers, default=(0.9, 0.999), help="beta1,beta2 of Adam")
    parser.add_argument("--anneal-start", type=bounded(float, 0.0), help="T at the start, which falls to --temperature")
    parser.add_argument("--anneal-updates", type=bounded(int, 1), help="updates that this takes")
    parser.add_argument("--anneal-form", choices=FORMS, default=FORMS[0], help="how T falls")
    parser.add_argument("--step-size", type=bounded(float, 0.0, open_low=True), required=True, help="mu")
    parser.add_argument("--waiting-times", type=integers, required=True, help="t_w, updates, separated by commas")
    parser.add_argument("--lag-max", type=bounded(int, 1), required=True, help="longest lag, updates")
    parser.add_argument("--dense", type=bounded(int, 1), default=10, help="every lag up to this one")
    parser.add_argument("--per-decade", type=bounded(int, 1), default=12, help="log-spaced lags a decade beyond")
    parser.add_argument(
        "--snapshots",
        choices=("full", "streamed"),
        default="full",
        help="keep them, or measure on the way and keep none",
    )
    streamed = parser.add_argument_group("what is measured with --snapshots streamed (as for quench observe)")
    streamed.add_argument("--chi", type=numbers, default=(), help="overlap lengths epsilon = sigma / chi")
    streamed.add_argument("--motility-lags", type=integers, default=(), help="lags with a motility histogram")
    streamed.add_argument("--hidden-only", action="store_true", help="leave out the output layer")
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from quench.cli import dynamics, training
    from quench.dynamics.schedule import Schedule
    from quench.dynamics.trajectory import Leg, State
    from quench.networks.mlp import Architecture
    from quench.pipeline import results
    from quench.store import files

    annealing = _check(args)
    pretrained = results.read(args.pretrained, kind="pretrained")
    check_output(args.output)
    prepared = files.config_of(pretrained)
    if not {"width", "depth", "weight_decay"} <= prepared.keys():
        raise QuenchError(f"{args.pretrained}: does not say its width, depth and weight decay, as quench pretrain does")
    loss = prepared.get("loss", steps.LOSSES[0])
    dataset = training.read_dataset(args.dataset, loss)
    architecture = Architecture(dataset.sizes["component"], prepared["width"], prepared["depth"])
    if pretrained.sizes["weight"] != architecture.n_weights:
        raise QuenchError(f"{args.pretrained}: its networks do not fit the inputs of {args.dataset}")
    optimiser = steps.optimiser_of(args.dynamics, momentum=args.momentum, annealed=annealing is not None)
    problem, backend = training.make_problem(dataset, architecture, args, loss, optimiser)
    weight_decay = prepared["weight_decay"]
    # The same for full and streamed: what is measured from either is the same.
    config = {
        "prepared": prepared,
        "dynamics": args.dynamics,
        **_point(args, annealing),
        "step_size": args.step_size,
        "waiting_times": args.waiting_times,
        "lag_max": args.lag_max,
        "dense": args.dense,
        "per_decade": args.per_decade,
        "backend": backend,
        "precision": args.precision,
        "P_D": problem.n_samples,
    }
    streamed = args.snapshots == "streamed"
    code = steps.code(steps.run_step(optimiser, args.snapshots), backend)
    schedule = Schedule(args.waiting_times, args.lag_max, args.dense, args.per_decade)
    seeds = pretrained["seed"].values
    weights = pretrained["weights"].values.astype(np.float64)
    common = {"seeds": seeds, "weight_decay": weight_decay}
    if args.dynamics == "langevin":
        state = State(weights)
        advance = dynamics.langevin(problem, backend, args.temperature, annealing, args.step_size, common)
    else:
        rule = dynamics.rule(optimiser, args.momentum, args.betas)
        state = State(weights, memory=np.zeros((len(seeds), rule.slots if rule else 0, architecture.n_weights)))
        advance = dynamics.descent(problem, backend, rule, state.memory, args.batch_size, args.step_size, common)

    name = "/".join(args.output.with_suffix("").parts[-3:])
    _tell_room(f"run {name}", args, len(seeds), schedule, architecture.n_weights)
    recorder, result_of = _recorder(args, problem, weight_decay, pretrained, schedule)
    device = str(getattr(problem, "device", "cpu"))

    def finish(state: State) -> None:
        result = result_of(state)
        if loss != steps.LOSSES[0]:
            result["data_loss"].attrs = {"long_name": f"{loss} loss", "units": "1"}
        files.write(
            result.assign_attrs(device=device),
            args.output,
            kind="streamed" if streamed else "snapshots",
            config=config,
            code=code,
        )

    training.train(
        state,
        [Leg(args.dynamics, int(schedule.times[-1]), advance)],
        schedule.times,
        recorder,
        output=args.output,
        key={
            "config": config,
            "measured": [args.snapshots, args.chi, args.motility_lags, args.hidden_only],
            "code": code,
            "device": device,
            "pretrained": training.content_key(pretrained),
            "dataset": training.content_key(dataset),
        },
        title=f"run {name}",
        checkpoint_every=args.checkpoint_every,
        finish=finish,
    )


def _point(args: argparse.Namespace, annealing: Annealing | None) -> dict[str, Any]:
    """Where in the run's range of temperatures or batch sizes this is, and what else the dynamics is told."""
    if args.dynamics == "langevin":
        return {"temperature": args.temperature, "anneal": annealing and asdict(annealing)}
    told = {"betas": args.betas} if args.dynamics == "adam" else {"momentum": args.momentum}
    return {"batch_size": args.batch_size, **told}


def _check(args: argparse.Namespace) -> Annealing | None:
    """The annealing, if there is one; ``QuenchError`` for options that do not go together."""
    wanted, other = ("temperature", "batch_size") if args.dynamics == "langevin" else ("batch_size", "temperature")
    if getattr(args, wanted) is None or getattr(args, other) is not None:
        raise QuenchError(
            f"--dynamics {args.dynamics} takes --{wanted.replace('_', '-')} and no --{other.replace('_', '-')}"
        )
    if args.momentum and (args.dynamics != "sgd" or args.momentum == 1):
        raise QuenchError("--momentum: below 1, and for --dynamics sgd")
    if len(args.betas) != 2 or not all(0 <= beta < 1 for beta in args.betas):
        raise QuenchError("--betas: two numbers from 0 to below 1")
    if (args.anneal_start is None) != (args.anneal_updates is None):
        raise QuenchError("--anneal-start and --anneal-updates belong together")
    if args.anneal_start is not None and args.dynamics != "langevin":
        raise QuenchError("--anneal-start: for --dynamics langevin")
    if not args.waiting_times or min(args.waiting_times) < 0:
        raise QuenchError("--waiting-times: at least one is needed, none below 0")
    if args.snapshots == "streamed" and not (args.chi and min(args.chi) > 0):
        raise QuenchError("--snapshots streamed: --chi is needed, all of them above 0")
    if args.snapshots == "full" and (args.chi or args.motility_lags or args.hidden_only):
        raise QuenchError("--chi, --motility-lags and --hidden-only: for --snapshots streamed, or for quench observe")
    if args.anneal_start is None:
        return None
    try:
        return Annealing(args.anneal_start, args.temperature, args.anneal_updates, args.anneal_form)
    except ValueError as error:
        raise QuenchError(f"--anneal-form: {error}") from None


def _tell_room(title: str, args: argparse.Namespace, n_networks: int, schedule: Schedule, n_weights: int) -> None:
    """One line on what the trajectory will take; ``QuenchError`` where the disk has not got it."""
    from quench.cost import disk

    looks, waiting, lags = len(schedule.times), len(args.waiting_times), len(schedule.lags)
    full = disk.snapshot_bytes(n_networks, looks, n_weights)
    # Left alone, a motility histogram is made every decade and at the end.
    histograms = len(args.motility_lags) or len(str(args.lag_max)) + 1
    tables = disk.streamed_bytes(n_networks, looks, waiting, lags, max(1, len(args.chi)), histograms)
    references = disk.reference_bytes(n_networks, waiting, n_weights)
    size, memory = (full, full) if args.snapshots == "full" else (tables, tables + references)
    # Besides the file itself: the journal of the snapshots, or two states that alternate.
    working = full if args.snapshots == "full" else 2 * (tables + references)
    print(
        f"quench: {title}: {looks} looks at {n_networks} networks of {n_weights:,} weights: {disk.readable(size)} on"
        f" disk, {disk.readable(working)} more while it runs, {disk.readable(memory)} of memory"
        f" (snapshots full: {disk.readable(full)}, streamed: {disk.readable(tables)})",
        file=sys.stderr,
    )
    free = shutil.disk_usage(args.output.parent).free
    if size + working > free:
        raise QuenchError(
            f"{args.output.parent}: {disk.readable(free)} free, {disk.readable(size + working)} needed"
            + ("; --snapshots streamed needs less" if args.snapshots == "full" else "")
        )


def _recorder(
    args: argparse.Namespace, problem: Any, weight_decay: float, pretrained: xr.Dataset, schedule: Schedule
) -> tuple[Any, Any]:
    """What looks at the trajectory, and a function of the last state that gives the file's content."""
    from quench.dynamics.recorders import Snapshots
    from quench.observables.streaming import Streamed
    from quench.store import snapshots

    seeds, times = pretrained["seed"].values, schedule.times
    sigma = pretrained["weights"].values.astype("float64").std(axis=1)

    # A network that diverged while it was prepared has diverged from time 0 on.
    def networks(state: Any) -> dict[str, Any]:
        return {"seeds": seeds, "diverged_at": state.diverged_at, "sigma": sigma}

    if args.snapshots == "full":
        kept, layer = Snapshots(problem, weight_decay, len(seeds), len(times)), problem.architecture.layer_index
        return kept, lambda state: snapshots.build(kept.weights, times, layer=layer, **kept.table(), **networks(state))
    measured = Streamed(problem, weight_decay, schedule, sigma, args.chi, args.motility_lags, args.hidden_only)
    return measured, lambda state: measured.dataset(times, **networks(state))
