"""Flat directions of a classifier: Hessian spectra of its kept weights, and the loss on straight lines between them.

quench flatness images/mnist5k.nc classifiers/b_tiny/0-1.nc --times 0,300,20000 --method full -o flatness/b_tiny.nc
"""

from __future__ import annotations

import argparse
import sys

from quench.cli import classifier
from quench.cli.options import bounded, check_output, integers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--times", type=integers, required=True, help="updates after which the spectrum is taken")
    parser.add_argument("--method", choices=("full", "stochastic"), default="full")
    parser.add_argument("--samples", type=bounded(int, 1), help="training samples of the Hessian (default: all)")
    parser.add_argument("--probes", type=bounded(int, 1), default=4, help="random vectors of the stochastic method")
    parser.add_argument("--lanczos-steps", type=bounded(int, 2), default=60, help="Hessian products for each of them")
    classifier.add_trained(parser)


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
    files.write(spectra, args.output, kind="flatness", config=config, code=steps.code("flatness"))
