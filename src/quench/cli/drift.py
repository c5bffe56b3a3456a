"""Diffusion or drift? Noise-free gradient descent restarted from kept weights of a classifier, beside its SGD.

quench drift images/mnist5k.nc classifiers/b/0-3.nc --starts 8000 --lag-max 1000 -o drift/b.nc
"""

from __future__ import annotations

import argparse

from quench.cli import classifier
from quench.cli.options import check_output
from quench.config.classifiers import Drift
from quench.config.sections import Compute
from quench.pipeline.arguments import add_field, add_section


def add_arguments(parser: argparse.ArgumentParser) -> None:
    classifier.add_trained(parser)
    add_field(parser, "backend", Compute.model_fields["backend"])
    add_section(parser, Drift)


def run(args: argparse.Namespace) -> None:
    from quench.dynamics.drift import drift
    from quench.provenance import steps
    from quench.store import files

    check_output(args.output)
    training, task = classifier.read_trained(args)
    displacements = drift(
        task,
        training,
        args.starts,
        args.lag_max,
        per_decade=args.per_decade,
        networks=args.networks,
        title=f"drift {args.output.stem}",
    )
    config = {"training": files.config_of(training), "backend": task.backend}
    made = displacements.assign_attrs(task.arithmetic)
    files.write(made, args.output, kind="drift", config=config, code=steps.code("drift", task.backend))
