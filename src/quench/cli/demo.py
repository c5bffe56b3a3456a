"""A first figure from nothing, within a minute: the ageing of the p-spin glass beside that of a small trained network.

quench demo -o demo.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quench.cli.options import check_output
from quench.cli.plot import FORMATS
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("demo.png"), help=f"picture to write, in {', '.join(FORMATS)}"
    )


def run(args: argparse.Namespace) -> None:
    if args.output.suffix not in FORMATS:
        raise QuenchError(f"{args.output}: give a name ending in {', '.join(FORMATS)}")
    check_output(args.output)
    print("quench: solving the glass, training four networks and heating them: about half a minute", file=sys.stderr)

    from quench import demo
    from quench.figures import build, style
    from quench.figures.figure_inputs import FigureInputs
    from quench.figures.own import ageing

    glass, networks = demo.numbers()
    with style.applied():
        figure = demo.draw(glass, networks)
    stem = args.output.with_suffix("")
    build.save(figure, stem, title=demo.TITLE, caption=demo.CAPTION, formats=(args.output.suffix,))
    print(f"{args.output}: {demo.CAPTION}")
    for answer in ageing.answers(FigureInputs({"external": {"network": [networks]}})).values():
        print(f"The network: {answer}")
