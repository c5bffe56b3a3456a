"""Overlap, displacement, non-Gaussianity, relaxation times and motility of snapshots files, whoever wrote them.

Several files are chunks of one ensemble: every network is measured by itself, and averages with bootstrap intervals
run over all of them. A streamed file (quench run --snapshots streamed) gives the same, for what was declared when it
was measured. A recording on its way (run.nc.part) is measured as far as it goes.

quench observe 0-3.nc 4-7.nc -o observables.nc --waiting-times 100,1000 --chi 300
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quench.cli.options import add_output, bounded, check_output, integers
from quench.errors import QuenchError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "snapshots", nargs="+", type=Path, help="files with weights (network, time, weight), or streamed ones"
    )
    parser.add_argument(
        "--waiting-times",
        type=integers,
        help="t_w, snapshot times, separated by commas (default: those that were declared when it was recorded)",
    )
    parser.add_argument("--chi", type=bounded(float, 0.0, open_low=True), required=True, help="epsilon = sigma / chi")
    parser.add_argument("--lags", type=integers, help="lags to measure (default: all that the snapshots allow)")
    parser.add_argument("--motility-lags", type=integers, default=(), help="lags with a motility histogram")
    parser.add_argument(
        "--hidden-only", action="store_true", help="leave out the output layer, as the authors' scripts do"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from quench.observables.average import average
    from quench.pipeline import results
    from quench.provenance import steps
    from quench.store import files, snapshots, unfinished

    check_output(args.output)
    measured: list[xr.Dataset] = []
    recorded: dict = {}
    times = np.empty(0)
    waiting_times: Sequence[int] = ()
    together = results.Together()
    # One file in memory at a time: the snapshots of a whole ensemble may be larger than it.
    for path in args.snapshots:
        opened = snapshots.opened(path, kind=("snapshots", "streamed"))
        if not unfinished.is_unfinished(path):
            results.check(opened, path)
        together.add(path, opened)
        looks = opened["time"].values if "time" in opened else np.empty(0)
        if measured and not np.array_equal(looks, times):
            raise QuenchError(f"{path}: its snapshots are of other times than those of {args.snapshots[0]}")
        recorded, times = files.config_of(opened), looks
        waiting_times = args.waiting_times or [t for t in recorded.get("waiting_times", ()) if t in times]
        if not waiting_times:
            raise QuenchError(f"{path}: declares no waiting time that was reached; give --waiting-times")
        if args.lags and opened.attrs.get("kind") != "streamed":
            _check_lags(path, args.lags, looks, waiting_times)
        measured.append(_measured(path, opened, waiting_times, args.lags or _declared_lags(recorded), args))
    config = {
        "trajectory": recorded,
        "chi": args.chi,
        "waiting_times": waiting_times,
        "include_output_layer": not args.hidden_only,
    }
    files.write(average(measured), args.output, kind="observables", config=config, code=steps.code("observe"))


def _measured(
    path: Path,
    opened: xr.Dataset,
    waiting_times: Sequence[int],
    lags: tuple[int, ...] | None,
    args: argparse.Namespace,
) -> xr.Dataset:
    from quench.observables import streamed_file
    from quench.observables.measure import measure, measure_streamed
    from quench.store import snapshots

    if opened.attrs.get("kind") == "streamed":
        trajectory, how = streamed_file.check(opened, path), measure_streamed
    else:
        trajectory, how = snapshots.check(opened, path), measure
    try:
        return how(
            trajectory,
            waiting_times,
            chi=args.chi,
            lags=lags,
            motility_lags=args.motility_lags,
            include_output_layer=not args.hidden_only,
        )
    except QuenchError as error:
        raise QuenchError(f"{path}: {error}") from None


def _check_lags(path: Path, lags: Sequence[int], times: np.ndarray, waiting_times: Sequence[int]) -> None:
    """A lag that was asked for must follow some waiting time in the snapshots."""
    import numpy as np

    there = np.unique(np.subtract.outer(times, waiting_times))
    for lag in lags:
        if lag not in there:
            positive = there[there >= 0]
            close = f" (nearest: {positive[np.abs(positive - lag).argmin()]:g})" if positive.size else ""
            raise QuenchError(f"{path}: lag {lag} follows no waiting time in its snapshots{close}")


def _declared_lags(recorded: dict) -> tuple[int, ...] | None:
    """The lag grid that our own runs declare; a foreign file is measured at every lag it allows."""
    from quench.dynamics.schedule import lags

    if not {"lag_max", "dense", "per_decade"} <= recorded.keys():
        return None
    return tuple(lags(recorded["lag_max"], recorded["dense"], recorded["per_decade"]).tolist())
