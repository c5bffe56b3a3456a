"""Overlap, displacement, non-Gaussianity, relaxation times and motility of snapshots files, whoever wrote them.

Several files are chunks of one ensemble: every network is measured by itself, and averages with bootstrap intervals
run over all of them. A streamed file (quench run --snapshots streamed) gives the same, for what was declared when it
was measured.

quench observe 0-3.nc 4-7.nc -o observables.nc --waiting-times 100,1000 --chi 300
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.options import add_output, bounded, check_output, integers
from quench.errors import QuenchError

if TYPE_CHECKING:
    import xarray as xr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "snapshots", nargs="+", type=Path, help="files with weights (network, time, weight), or streamed ones"
    )
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
    from quench import files, results, steps
    from quench.observables.average import average

    if not args.waiting_times:
        raise QuenchError("--waiting-times: at least one is needed")
    check_output(args.output)
    measured: list[xr.Dataset] = []
    together = results.Together()
    # One file in memory at a time: the snapshots of a whole ensemble may be larger than it.
    for path in args.snapshots:
        trajectory = _checked(path)
        together.add(path, trajectory)
        recorded = files.config_of(trajectory)
        measured.append(_measured(path, trajectory, args.lags or _declared_lags(recorded), args))
    config = {
        "trajectory": recorded,
        "chi": args.chi,
        "waiting_times": args.waiting_times,
        "include_output_layer": not args.hidden_only,
    }
    files.write(average(measured), args.output, kind="observables", config=config, code=steps.code("observe"))


def _checked(path: Path) -> xr.Dataset:
    """The snapshots or streamed file at ``path``, as its contract has it."""
    from quench import results, snapshots, streamed

    opened = results.read(path, kind=("snapshots", "streamed"))
    return (streamed if opened.attrs.get("kind") == "streamed" else snapshots).check(opened, path)


def _measured(path: Path, trajectory: xr.Dataset, lags: tuple[int, ...] | None, args: argparse.Namespace) -> xr.Dataset:
    from quench.observables.measure import measure, measure_streamed

    how = measure_streamed if trajectory.attrs.get("kind") == "streamed" else measure
    try:
        return how(
            trajectory,
            args.waiting_times,
            chi=args.chi,
            lags=lags,
            motility_lags=args.motility_lags,
            include_output_layer=not args.hidden_only,
        )
    except QuenchError as error:
        raise QuenchError(f"{path}: {error}") from None


def _declared_lags(recorded: dict) -> tuple[int, ...] | None:
    """The lag grid that our own runs declare; a foreign file is measured at every lag it allows."""
    from quench.dynamics.schedule import lags

    if not {"lag_max", "dense", "per_decade"} <= recorded.keys():
        return None
    return tuple(lags(recorded["lag_max"], recorded["dense"], recorded["per_decade"]).tolist())
