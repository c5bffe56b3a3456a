"""Draw displacement, overlap, non-Gaussianity and ageing of observables, whatever their origin.

quench observe run.nc --waiting-times 100,1000 --chi 100 -o observables.nc
quench plot observables.nc -o ageing.pdf

Several files are drawn below each other. --collapse adds the curves against t / t_w.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import check_output
from quench.config.external import External
from quench.errors import QuenchError
from quench.pipeline.arguments import add_field

FORMATS = (".pdf", ".png", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("observables", nargs="+", type=Path, help="files of quench observe, one per run")
    for name in ("fit", "collapse"):
        add_field(parser, name, External.model_fields[name])
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help=f"picture to write, a name ending in {', '.join(FORMATS)}"
    )


def run(args: argparse.Namespace) -> None:
    if args.output.suffix not in FORMATS:
        raise QuenchError(f"{args.output}: give a name ending in {', '.join(FORMATS)}")
    if len({path.stem for path in args.observables}) != len(args.observables):
        raise QuenchError("two files have the same name, which is the title of their panels")
    check_output(args.output)

    from quench.figures import build
    from quench.figures.figure_inputs import FigureInputs
    from quench.figures.own import ageing
    from quench.pipeline import results

    runs = {path.stem: [results.read(path, kind="observables")] for path in args.observables}
    inputs = FigureInputs({"external": runs}, {"fit": args.fit, "collapse": args.collapse})
    build.draw(ageing, build.numbers(ageing, inputs), args.output.with_suffix(""), (args.output.suffix,))
