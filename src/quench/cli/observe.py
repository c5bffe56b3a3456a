"""Overlap, displacement, non-Gaussianity, relaxation times and motility of snapshots files, whichever program wrote them.

Several files are chunks of one ensemble: networks are measured one by one, and averages with 95 % intervals are
taken over all of them. A streamed file (quench run --snapshots streamed) gives the same for the times, lags and chi that
were declared when it was measured. An unfinished recording (run.nc.part) is measured up to its last snapshot.

quench observe 0-3.nc 4-7.nc -o observables.nc --waiting-times 100,1000 --chi 300

Without --chi it is chosen from the displacements, such that tau90 is between ten updates and the longest lag. For files from
outside a results folder, sentences on stderr say what was chosen and whether the run ages.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quench.cli.options import add_output, check_output
from quench.config.base import Time
from quench.config.external import External
from quench.errors import QuenchError
from quench.pipeline.arguments import add_section, reader

if TYPE_CHECKING:
    import xarray as xr

    from quench.pipeline.results import Chunks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "snapshots", nargs="+", type=Path, help="files with weights (network, time, weight), or streamed ones"
    )
    add_section(parser, External)
    parser.add_argument(
        "--lags", type=reader(tuple[Time, ...]), help="lags to measure (default: the declared ones, or all)"
    )
    parser.add_argument(
        "--control",
        nargs="*",
        type=Path,
        default=(),
        help="snapshots of the same networks at T = 0: subtracted where the response is measured, and compared with",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.observables.measure import measure_ensemble
    from quench.pipeline import results
    from quench.provenance import steps
    from quench.store import files

    check_output(args.output)
    control = _control(args.control)

    def measured(chi: float) -> tuple[xr.Dataset, dict[str, Any]]:
        chunks = results.Chunks()
        return measure_ensemble(
            # One by one: the snapshots of an ensemble may be larger than memory.
            (_read(path, chunks) for path in args.snapshots),
            args.waiting_times or None,
            chi=chi,
            include_output_layer=args.include_output_layer,
            control=control,
            names=args.snapshots,
            lags=args.lags,
            motility_lags=args.motility_lags,
        )

    observables, config = measured(_chosen(measured(1.0)) if args.chi is None else args.chi)
    counted = observables["n_weights"]
    if left_out := counted.attrs.get("comment"):
        print(f"quench: {int(counted):,} weights of each network are measured, {left_out}", file=sys.stderr)
    files.write(observables, args.output, kind="observables", config=config, code=steps.code("observe"))
    if not any(map(results.root_of, args.snapshots)):
        from quench.estimators import fluctuation_dissipation

        _report_ageing(args.output)
        if sentence := fluctuation_dissipation.sentence(observables, config["trajectory"]):
            print(f"quench: {sentence}", file=sys.stderr)


def _chosen(first: tuple[xr.Dataset, dict[str, Any]]) -> float:
    """chi in the middle of those at which tau90 is resolved, from a ``first`` measurement at chi = 1."""
    from quench.observables.lengths import mean_sigma, resolved_lengths

    observables, _ = first
    lengths = resolved_lengths(observables["msd_mean"], mean_sigma(observables))
    if not math.isfinite(lengths.low):
        raise QuenchError("no chi has a tau90 between ten updates and the longest lag at two waiting times; give --chi")
    print(
        f"quench: chi = {lengths.middle:g}, the middle of {lengths.low:.2g} to {lengths.high:.2g}: there tau90 is between"
        f" ten updates and the longest lag for t_w >= {lengths.first:g}",
        file=sys.stderr,
    )
    return lengths.middle


def _report_ageing(path: Path) -> None:
    from quench.figures.figure_inputs import FigureInputs
    from quench.figures.own import ageing
    from quench.store import files

    for name, answer in ageing.answers(FigureInputs({"external": {path.stem: [files.read(path)]}})).items():
        print(f"quench: {name}: {answer}", file=sys.stderr)


def _control(paths: Sequence[Path]) -> xr.Dataset | None:
    """The networks of all control files."""
    from quench.pipeline import results
    from quench.store.variables import concat_chunks

    chunks = results.Chunks()
    return concat_chunks([_read(path, chunks) for path in paths], "network") if paths else None


def _read(path: Path, chunks: Chunks) -> xr.Dataset:
    """The checked file at ``path``, a chunk of the same ensemble as those in ``chunks``."""
    from quench.pipeline import results
    from quench.store import snapshots, unfinished

    opened = snapshots.opened(path, kind=("snapshots", "streamed"))
    if not unfinished.is_unfinished(path):
        results.check(opened, path)
    checked = opened if opened.attrs.get("kind") == "streamed" else snapshots.check(opened, path)
    # As it is: seeds that are filled in tell nothing apart.
    chunks.add(path, opened)
    return checked
