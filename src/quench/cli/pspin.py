"""Quench of the spherical p-spin glass: energy, correlation and response of the Cugliandolo-Kurchan equations.

Lists of times are separated by commas; FIRST:LAST:N stands for N times a decade.

quench pspin --temperature 0.5 --t-max 1e7 --times 0,0.01:1e7:10 --waiting-times 1:1e5:1 --lags 0,0.01:9e6:10 -o ck.nc
"""

from __future__ import annotations

import argparse
import math
import os

from quench.cli.options import add_output, bounded, check_output
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    positive = bounded(float, 0.0, open_low=True)
    parser.add_argument("--p", type=bounded(int, 2), default=3, help="spins in an interaction, at least 2 (default: 3)")
    parser.add_argument("--temperature", type=positive, required=True, help="temperature T > 0 after the quench")
    parser.add_argument("--t-max", type=positive, help="end of the solution (default: the latest time asked for)")
    parser.add_argument("--times", default="1e-2:1e3:10", help="times for E and mu (default: %(default)s)")
    parser.add_argument("--waiting-times", default="1,10,100", help="waiting times for C and R (default: %(default)s)")
    parser.add_argument("--lags", default="0,1e-2:1e3:10", help="lags for C and R (default: %(default)s)")
    parser.add_argument("--resolution", default="standard", help="fast, standard (default) or fine")
    parser.add_argument(
        "--accuracy",
        type=positive,
        default=1e-5,
        help="fail where an estimated error exceeds this (default: %(default)g)",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    times, waiting_times, lags = (
        parse_times(text, option)
        for text, option in ((args.times, "--times"), (args.waiting_times, "--waiting-times"), (args.lags, "--lags"))
    )
    latest = max(times[-1], waiting_times[-1], lags[-1])
    t_max = args.t_max if args.t_max is not None else max(times[-1], waiting_times[-1] + lags[-1])
    if latest > t_max:
        raise QuenchError(f"--t-max {t_max:g} is before the latest time asked for, {latest:g}")
    check_output(args.output)
    # The matrices are too small for threads, which would spin. BLAS reads this once, when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from quench.theory.pspin.solve import solve

    quench = solve(args.p, args.temperature, t_max, resolution=args.resolution, accuracy=args.accuracy)
    # Imported after the solve, which has given its memory back by now.
    from quench import files, steps
    from quench.theory.pspin.dataset import glass

    config = {
        "p": args.p,
        "temperature": args.temperature,
        "t_max": t_max,
        "resolution": args.resolution,
        "accuracy": args.accuracy,
    }
    files.write(
        glass(quench, times, waiting_times, lags),
        args.output,
        kind="glass",
        config=config,
        code=steps.code("pspin"),
    )


def parse_times(text: str, option: str) -> list[float]:
    """Times named by ``text``, ascending, each once. Raises ``QuenchError`` where ``text`` is no list of times."""
    times: set[float] = set()
    for item in text.split(","):
        try:
            parts = [float(part) for part in item.split(":")]
        except ValueError:
            parts = []
        if not all(math.isfinite(part) and part >= 0 for part in parts):
            parts = []
        if len(parts) == 1:
            times.add(parts[0])
        elif len(parts) == 3 and 0 < parts[0] < parts[1] and parts[2] >= 1:
            first, last, each = parts
            number = max(round(math.log10(last / first) * each), 1)
            times |= {first * (last / first) ** (i / number) for i in range(number)} | {last}
        else:
            raise QuenchError(
                f"{option}: {item!r} is neither a time >= 0 nor FIRST:LAST:N with 0 < FIRST < LAST, N >= 1"
            )
    return sorted(times)
