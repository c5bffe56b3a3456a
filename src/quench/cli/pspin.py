"""Quench of the spherical p-spin glass: energy, correlation and response of the Cugliandolo-Kurchan equations.

Lists of times are separated by commas; FIRST:LAST:N stands for N times per decade.

quench pspin --temperature 0.5 --t-max 1e7 --times 0,0.01:1e7:10 --waiting-times 1:1e5:1 --lags 0,0.01:9e6:10 -o ck.nc
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, check_output
from quench.config.glass import Quench
from quench.pipeline.arguments import add_section
from quench.theory.pspin.times import DEFAULTS, Times


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser, Quench, without=DEFAULTS)
    for name, quantities in (("times", "E and mu"), ("waiting_times", "C and R"), ("lags", "C and R")):
        option, words = f"--{name.replace('_', '-')}", name.replace("_", " ")
        parser.add_argument(option, help=f"{words} of {quantities} (default: {DEFAULTS[name]}, up to --t-max)")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    times = Times.of(args.times, args.waiting_times, args.lags, args.t_max)
    check_output(args.output)
    from quench.provenance import steps
    from quench.store import files
    from quench.theory.pspin.dataset import solved_glass

    config = {
        "p": args.p,
        "temperature": args.temperature,
        "t_max": times.t_max,
        "resolution": args.resolution,
        "accuracy": args.accuracy,
    }
    glass = solved_glass(args.p, args.temperature, times, resolution=args.resolution, accuracy=args.accuracy)
    files.write(glass, args.output, kind="glass", config=config, code=steps.code("pspin"))
