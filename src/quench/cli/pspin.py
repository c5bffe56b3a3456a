"""Quench of the spherical p-spin glass: energy, correlation and response of the Cugliandolo-Kurchan equations.

Lists of times are separated by commas; FIRST:LAST:N stands for N times a decade.

quench pspin --temperature 0.5 --t-max 1e7 --times 0,0.01:1e7:10 --waiting-times 1:1e5:1 --lags 0,0.01:9e6:10 -o ck.nc
"""

from __future__ import annotations

import argparse
import os

from quench.cli.options import add_output, bounded, check_output
from quench.config.times import end, listed
from quench.errors import QuenchError

DEFAULTS = {"times": "1e-2:1e3:10", "waiting_times": "1,10,100", "lags": "0,1e-2:1e3:10"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    positive = bounded(float, 0.0, open_low=True)
    parser.add_argument("--p", type=bounded(int, 2), default=3, help="spins in an interaction, at least 2 (default: 3)")
    parser.add_argument("--temperature", type=positive, required=True, help="temperature T > 0 after the quench")
    parser.add_argument("--t-max", type=positive, help="end of the solution (default: the latest time asked for)")
    until = "as far as --t-max goes"
    parser.add_argument("--times", help=f"times for E and mu (default: {DEFAULTS['times']}, {until})")
    parser.add_argument(
        "--waiting-times", help=f"waiting times for C and R (default: {DEFAULTS['waiting_times']}, {until})"
    )
    parser.add_argument("--lags", help=f"lags for C and R (default: {DEFAULTS['lags']}, {until})")
    parser.add_argument("--resolution", default="standard", help="fast, standard (default) or fine")
    parser.add_argument(
        "--accuracy",
        type=positive,
        default=1e-5,
        help="fail where an estimated error exceeds this (default: %(default)g)",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    asked = [_asked(name, getattr(args, name), args.t_max) for name in DEFAULTS]
    try:
        t_max = end(*asked, args.t_max)
    except ValueError as error:
        raise QuenchError(f"--t-max: {error}") from None
    check_output(args.output)
    # The matrices are too small for threads, which would spin. BLAS reads this once, when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from quench.theory.pspin.solve import solve

    quench = solve(args.p, args.temperature, t_max, resolution=args.resolution, accuracy=args.accuracy)
    # Imported after the solve, which has given its memory back by now.
    from quench.provenance import steps
    from quench.store import files
    from quench.theory.pspin.dataset import glass

    config = {
        "p": args.p,
        "temperature": args.temperature,
        "t_max": t_max,
        "resolution": args.resolution,
        "accuracy": args.accuracy,
    }
    files.write(
        glass(quench, *asked),
        args.output,
        kind="glass",
        config=config,
        code=steps.code("pspin"),
    )


def _asked(name: str, text: str | None, t_max: float | None) -> list[float]:
    """Times that were asked for, or the default ones that are not beyond the end."""
    option = f"--{name.replace('_', '-')}"
    if text is not None or t_max is None:
        return listed(DEFAULTS[name] if text is None else text, option)
    within = [time for time in listed(DEFAULTS[name], option) if time <= t_max]
    if not within:
        raise QuenchError(f"{option}: the default ones are beyond --t-max; say which")
    return within
