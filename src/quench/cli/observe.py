"""Overlap, displacement, non-Gaussianity, relaxation times and motility of a snapshots file, whoever wrote it.

A streamed file (quench run --snapshots streamed) gives the same, for what was declared when it was measured.

quench observe snapshots.nc -o observables.nc --waiting-times 100,1000 --chi 300
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_output, bounded, check_output, integers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("snapshots", type=Path, help="a file with weights (network, time, weight), or a streamed one")
    parser.add_argument(
        "--waiting-times", type=integers, required=True, help="t_w, snapshot times, separated by commas"
    )
    parser.add_argument("--chi", type=bounded(float, 0.0, open_low=True), required=True, help="epsilon = sigma / chi")
    parser.add_argument("--lags", type=integers, help="lags to measure (default: all that the snapshots allow)")
    parser.add_argument("--motility-lags", type=integers, default=(), help="lags with a motility histogram")
    parser.add_argument(
        "--hidden-only", action="store_true", help="leave out the output layer, as the authors' scripts do"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench import files, snapshots, steps, streamed
    from quench.errors import QuenchError
    from quench.observables.average import average
    from quench.observables.measure import measure, measure_streamed

    if not args.waiting_times:
        raise QuenchError("--waiting-times: at least one is needed")
    opened = files.read(args.snapshots, kind=("snapshots", "streamed"))
    if opened.attrs.get("kind") == "streamed":
        trajectory, how = streamed.check(opened, args.snapshots), measure_streamed
    else:
        trajectory, how = snapshots.check(opened, args.snapshots), measure
    check_output(args.output)
    recorded = files.config_of(trajectory)
    lags = args.lags or _declared_lags(recorded)
    try:
        result = how(
            trajectory,
            args.waiting_times,
            chi=args.chi,
            lags=lags,
            motility_lags=args.motility_lags,
            include_output_layer=not args.hidden_only,
        )
    except QuenchError as error:
        raise QuenchError(f"{args.snapshots}: {error}") from None
    config = {
        "trajectory": recorded,
        "chi": args.chi,
        "waiting_times": args.waiting_times,
        "include_output_layer": not args.hidden_only,
    }
    files.write(average([result]), args.output, kind="observables", config=config, code=steps.code("observe"))


def _declared_lags(recorded: dict) -> tuple[int, ...] | None:
    """The lag grid that our own runs declare; a foreign file is measured at every lag it allows."""
    from quench.dynamics.schedule import lags

    if not {"lag_max", "dense", "per_decade"} <= recorded.keys():
        return None
    return tuple(lags(recorded["lag_max"], recorded["dense"], recorded["per_decade"]).tolist())
