"""Flat directions of a classifier: Hessian spectra of its kept weights, and the loss on straight lines between them.

quench flatness images/mnist5k.nc classifiers/b_tiny/0-1.nc --times 0,300,20000 --method full -o flatness/b_tiny.nc
"""

from __future__ import annotations

import argparse
import sys

from quench.cli import classifier
from quench.cli.options import check_output
from quench.config.classifiers import Flatness
from quench.pipeline.arguments import add_section


def add_arguments(parser: argparse.ArgumentParser) -> None:
    classifier.add_trained(parser)
    add_section(parser, Flatness)


def run(args: argparse.Namespace) -> None:
    from quench.observables.flatness import SpectrumChoices, flatness
    from quench.provenance import steps
    from quench.store import files

    check_output(args.output)
    training, task = classifier.read_trained(args)
    choices = SpectrumChoices(
        method=args.method, samples=args.samples, probes=args.probes, lanczos_steps=args.lanczos_steps
    )
    spectra = flatness(task, training, args.times, choices, lambda line: print(f"quench: {line}", file=sys.stderr))
    config = {
        "training": files.config_of(training),
        "method": args.method,
        "samples": args.samples or task.n_train,
        "probes": args.probes,
        "lanczos_steps": args.lanczos_steps,
    }
    files.write(
        spectra.assign_attrs(task.arithmetic), args.output, kind="flatness", config=config, code=steps.code("flatness")
    )
