"""Draw one figure: PDF, PNG, SVG, and the plotted numbers as NetCDF, from the files that it needs.

quench figure kwj.fig3 --run regularised observables/regularised/T*/chi30.nc -o figures/kwj_fig3
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType

from quench.cli.options import bounded, integers, numbers
from quench.errors import QuenchError
from quench.figures import declared

# Kinds of the files by key of the section of a figure.
KINDS = {
    "runs": "observables",
    "ensembles": "pretrained",
    "scans": "scan",
    "mobility": "mobility",
    "glass": "glass",
    "classifiers": "training",
    "flatness": "flatness",
    "drift": "drift",
    "external": "observables",
}
CHOICES = ("scale", "temperatures", "waiting_time", "lags", "fit", "collapse")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", metavar="FIGURE", help="a module under quench.figures, such as kwj.fig3")
    group = {"nargs": "+", "action": "append", "default": [], "metavar": ("NAME", "FILE")}
    parser.add_argument(
        "--run", dest="runs", **group, help="averaged observables of a run, one file a temperature or batch size"
    )
    parser.add_argument(
        "--ensemble", dest="ensembles", **group, help="prepared networks of an ensemble, one file a chunk"
    )
    parser.add_argument("--mobility", **group, help="single weights of a run, one file a temperature and chunk")
    parser.add_argument("--scan", dest="scans", **group, help="a phase-diagram scan, one file a chunk of grid points")
    parser.add_argument("--glass", **group, help="a glass file: a solution or a simulation of the p-spin model")
    parser.add_argument(
        "--classifier", dest="classifiers", **group, help="trainings of a classifier, one file a chunk of seeds"
    )
    parser.add_argument("--flatness", **group, help="Hessian spectra of a classifier")
    parser.add_argument("--drift", **group, help="gradient descent beside a classifier's SGD")
    parser.add_argument("--external", **group, help="averaged observables of a run that was recorded elsewhere")
    parser.add_argument(
        "--scale", choices=("reduced", "full"), default="reduced", help="reduced figures are labelled so"
    )
    parser.add_argument("--temperatures", type=numbers, default=(), help="temperatures to show (default: all)")
    parser.add_argument("--waiting-time", type=bounded(int, 0), help="t_w to show (default: the last)")
    parser.add_argument("--lags", type=integers, default=(), help="lags at which a histogram is shown")
    parser.add_argument(
        "--fit", type=numbers, help="window of t / tau90 for the exponent of the master curve: LOW,HIGH"
    )
    parser.add_argument("--collapse", action="store_true", help="also against t / t_w (own.ageing)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="STEM", help="path without its suffix")


def run(args: argparse.Namespace) -> None:
    groups = {name: getattr(args, name) for name in KINDS}
    module = find(args.module)
    declared.check(args.module, groups)

    from quench.figures import build
    from quench.figures.figure_inputs import FigureInputs
    from quench.provenance import steps
    from quench.store import checksum, files

    code = steps.code("figure", figure=args.module)
    choices = {name: getattr(args, name) for name in CHOICES}
    inputs = FigureInputs({name: _groups(words, KINDS[name]) for name, words in groups.items()}, choices)
    plotted = build.numbers(module, inputs)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    pictures = build.draw(module, plotted, args.output)
    config = {"figure": args.module, **choices, "seeds": inputs.seeds()}
    config["pictures"] = {path.suffix: checksum.sha256(path) for path in pictures}
    target = args.output.with_name(args.output.name + ".nc")
    files.write(plotted, target, kind="figure", config=config, code=code)


def find(name: str) -> ModuleType:
    """The module of a figure; ``QuenchError`` with the nearest name for an unknown one."""
    declared.read(name)
    return importlib.import_module(f"quench.figures.{name}")


def _groups(given: list[list[str]], kind: str) -> dict:
    from quench.pipeline import results

    for words in given:
        if len(words) < 2:
            raise QuenchError(f"{words[0]!r}: give a name and at least one file")
    return {name: results.read_chunks(paths, kind) for name, *paths in given}
