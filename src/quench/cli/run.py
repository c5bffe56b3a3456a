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

from quench.cli.networks import add_compute, compute_choices, read_input
from quench.cli.options import add_output, check_output
from quench.config.base import Positive, Time
from quench.config.sections import Chi, Compute, Run, Temperature
from quench.errors import QuenchError
from quench.pipeline.arguments import add_field, add_section, read_section, reader

if TYPE_CHECKING:
    from quench.dynamics.run import Recording

# Keys of a run that only a streamed one measures.
_MEASURED = ("motility_lags", "include_output_layer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pretrained", type=Path, help="pretrained networks")
    parser.add_argument("dataset", type=Path, help="the dataset file that they were trained on")
    add_section(parser, Run)
    parser.add_argument("--temperature", type=reader(Temperature), help="T of the Langevin noise")
    parser.add_argument("--batch-size", type=reader(Positive), help="batch size of SGD or Adam")
    add_field(parser, "snapshots", Compute.model_fields["snapshots"])
    streamed = parser.add_argument_group("what --snapshots streamed measures (as for quench observe)")
    streamed.add_argument(
        "--chi", type=reader(tuple[Chi, ...]), default=(), help="overlap lengths epsilon = sigma / chi"
    )
    streamed.add_argument(
        "--mobility",
        type=reader(tuple[Time, Time]),
        metavar="T_W,LAG",
        help="measure single weights between these times (quench mobility)",
    )
    for name in _MEASURED:
        add_field(streamed, name, Run.model_fields[name])
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.cost import disk
    from quench.dynamics import training
    from quench.dynamics.run import trajectory
    from quench.dynamics.schedule import Schedule
    from quench.provenance import steps

    section, recording = _section(args), _recording(args)
    (point,) = section.points.values()
    dynamics = section.at(point)
    pretrained = read_input(args.pretrained, "pretrained")
    check_output(args.output)
    schedule = Schedule(section.waiting_times, section.lag_max, section.dense, section.per_decade)
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
        n_layers=job.config["prepared"]["depth"] + 1,
    )
    code = steps.code(steps.run_step(dynamics.optimiser, args.snapshots), job.config["backend"])
    training.complete(job, args.output, code=code, title=title, checkpoint_every=args.checkpoint_every)


def _section(args: argparse.Namespace) -> Run:
    """The options as a run at one point. The overlap lengths of snapshots are chosen when they are measured."""
    points = {"temperatures": args.temperature, "batch_sizes": args.batch_size}
    chi, *more = args.chi or (1.0,)
    return read_section(
        args,
        Run,
        ensemble="pretrained",
        chi=chi,
        more_chi=more,
        **{name: () if point is None else (point,) for name, point in points.items()},
        **{name: getattr(args, name) for name in _MEASURED},
    )


def _recording(args: argparse.Namespace) -> Callable[..., Recording]:
    """What the run records; ``QuenchError`` for options that do not go together."""
    from quench.dynamics.run import full
    from quench.observables import streaming

    if args.snapshots == "full":
        if args.chi or args.motility_lags or args.mobility or not args.include_output_layer:
            raise QuenchError(
                "--chi, --motility-lags, --hidden-only and --mobility: for --snapshots streamed; of snapshots, quench"
                " observe and quench mobility measure them"
            )
        return full
    if not args.chi:
        raise QuenchError("--snapshots streamed: --chi is needed")
    return partial(
        streaming.recording,
        chis=args.chi,
        motility_lags=args.motility_lags,
        hidden_only=not args.include_output_layer,
        mobility=args.mobility,
    )
