"""Displacement, overlap, non-Gaussianity and ageing of observables, of any origin, as one picture.

quench observe run.nc --waiting-times 100,1000 --chi 100 -o observables.nc
quench plot observables.nc -o ageing.pdf

Several files are drawn below each other. --collapse adds what the curves look like against t / t_w.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import check_output, numbers
from quench.errors import QuenchError

FORMS = (".pdf", ".png", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("observables", nargs="+", type=Path, help="files of quench observe, one a run")
    parser.add_argument("--collapse", action="store_true", help="also against t / t_w")
    parser.add_argument("--fit", type=numbers, help="window of t_w for the ageing exponent: LOW,HIGH")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help=f"picture to write, a name ending in {', '.join(FORMS)}"
    )


def run(args: argparse.Namespace) -> None:
    if args.output.suffix not in FORMS:
        raise QuenchError(f"{args.output}: give a name ending in {', '.join(FORMS)}")
    if args.fit is not None and len(args.fit) != 2:
        raise QuenchError("--fit: two waiting times, LOW,HIGH")
    if len({path.stem for path in args.observables}) != len(args.observables):
        raise QuenchError("two files of one name: their panels could not be told apart")
    check_output(args.output)

    from quench.figures import style
    from quench.figures.inputs import Inputs
    from quench.figures.own import ageing
    from quench.figures.save import save
    from quench.pipeline import results

    runs = {path.stem: [results.read(path, kind="observables")] for path in args.observables}
    plotted = ageing.compute(Inputs(external=runs, fit=args.fit, collapse=args.collapse))
    with style.look():
        figure = ageing.draw(plotted)
    stem = args.output.with_suffix("")
    save(figure, stem, title=f"{stem.name}: {ageing.TITLE}", caption=ageing.CAPTION, forms=(args.output.suffix,))
