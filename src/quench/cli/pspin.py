"""Quench of the spherical p-spin glass: energy, correlation and response of the Cugliandolo-Kurchan equations.

The model is pure (--p) or mixed (--terms k:a_k,...), and starts from infinite temperature or from equilibrium at
--initial-temperature. Lists of times are separated by commas; FIRST:LAST:N stands for N times per decade. The solution ends
where its estimated error exceeds --accuracy: later numbers are missing, and the file and a line of the log say why.

quench pspin --temperature 0.5 --t-max 1e7 --times 0,0.01:1e7:10 --waiting-times 1:1e5:1 --lags 0,0.01:9e6:10 -o ck.nc
quench pspin --terms 3:0.5,4:0.5 --initial-temperature 0.81 --temperature 0 --t-max 1e6 --resolution long -o memory.nc
"""

from __future__ import annotations

import argparse
import sys

from quench.cli.options import add_output, check_output
from quench.config.glass import Quench
from quench.pipeline.arguments import add_section
from quench.theory.pspin.model import quenched
from quench.theory.pspin.times import DEFAULTS, Times


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser, Quench, without=DEFAULTS)
    for name, quantities in (("times", "E and mu"), ("waiting_times", "C and R"), ("lags", "C and R")):
        option, words = f"--{name.replace('_', '-')}", name.replace("_", " ")
        parser.add_argument(option, help=f"{words} of {quantities} (default: {DEFAULTS[name]}, up to --t-max)")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    times = Times.of(args.times, args.waiting_times, args.lags, args.t_max)
    model = quenched(args.p, args.temperature, terms=args.terms, initial_temperature=args.initial_temperature)
    check_output(args.output)
    from quench.provenance import steps
    from quench.store import files
    from quench.theory.pspin.dataset import solved_glass

    config = {
        **model.stated(),
        "t_max": times.t_max,
        "resolution": args.resolution,
        "accuracy": args.accuracy,
    }
    glass = solved_glass(model, times, resolution=args.resolution, accuracy=args.accuracy)
    files.write(glass, args.output, kind="glass", config=config, code=steps.code("pspin"))
    if glass.attrs["end"]:
        print(f"quench: {args.output}: solved to t = {glass.attrs['reach']:.4g}: {glass.attrs['end']}", file=sys.stderr)
