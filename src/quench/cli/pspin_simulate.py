"""Langevin simulation of the spherical 3-spin glass at finite size, after a quench from infinite temperature.

Energies and correlations with standard errors over realisations of the couplings, one per seed. As the number of spins
grows, they tend to the solution of the Cugliandolo-Kurchan equations. Times must be multiples of the step.

quench pspin-simulate --spins 200 --temperature 0.5 --seeds 0-9 --times 0.1,1,10 --waiting-times 1 --lags 0.1,1 -o glass.nc
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, check_output
from quench.config.glass import Simulation
from quench.pipeline.arguments import add_section, integers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=integers, required=True, help="realisations of the couplings: 0-9 or 1,5,7")
    add_section(parser, Simulation)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.provenance import steps
    from quench.store import files
    from quench.theory import finite_size

    check_output(args.output)
    config = {
        "p": 3,
        "n_spins": args.spins,
        "temperature": args.temperature,
        "seeds": list(args.seeds),
        "times": list(args.times),
        "waiting_times": list(args.waiting_times),
        "lags": list(args.lags),
        "step": args.step,
        "replicas": args.replicas,
    }
    glass = finite_size.glass(**{name: value for name, value in config.items() if name != "p"})
    files.write(glass, args.output, kind="glass", config=config, code=steps.code("pspin-simulate"))
