"""Copies of every network under independent Langevin noise: what the start decides, and which weights never left.

quench replicas pretrained.nc data/mnist.nc --temperature 1e-4 --step-size 0.02 --replicas 4 \\
    --waiting-times 2000 --lag-max 8000 --chi 30 -o replicas.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.networks import add_compute, compute_choices, read_input
from quench.cli.options import add_output, check_output
from quench.config.sections import Run, Temperature
from quench.pipeline.arguments import add_field, reader

_KEYS = (
    "step_size",
    "waiting_times",
    "lag_max",
    "dense",
    "per_decade",
    "chi",
    "replicas",
    "include_output_layer",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pretrained", type=Path, help="pretrained networks")
    parser.add_argument("dataset", type=Path, help="the dataset file that they were trained on")
    parser.add_argument("--temperature", type=reader(Temperature), required=True, help="T of the Langevin noise")
    for name in _KEYS:
        add_field(parser, name, Run.model_fields[name])
    add_compute(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics import training
    from quench.dynamics.choices import Langevin
    from quench.dynamics.schedule import Schedule
    from quench.observables import replicas
    from quench.provenance import steps

    pretrained = read_input(args.pretrained, "pretrained")
    check_output(args.output)
    job = replicas.trajectory(
        pretrained,
        read_input(args.dataset, "dataset"),
        Langevin(args.step_size, args.temperature),
        Schedule(args.waiting_times, args.lag_max, args.dense, args.per_decade),
        chi=args.chi,
        replicas=args.replicas,
        hidden_only=not args.include_output_layer,
        compute=compute_choices(args),
    )
    title = f"replicas {'/'.join(args.output.with_suffix('').parts[-3:])}"
    code = steps.code("replicas", job.config["trajectory"]["backend"])
    training.complete(job, args.output, code=code, title=title, checkpoint_every=args.checkpoint_every)
