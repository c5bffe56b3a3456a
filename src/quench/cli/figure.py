"""Draw one figure: PDF, PNG, SVG, and the plotted numbers as NetCDF, from the files that it needs.

quench figure kwj.fig3 --run regularised observables/regularised/T*/chi30.nc -o figures/kwj_fig3
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from quench.cli.options import checked_outputs
from quench.config.sections import Figure, Scenario
from quench.errors import QuenchError
from quench.figures import declared
from quench.pipeline.arguments import add_field, add_section
from quench.pipeline.notes import NOTE
from quench.pipeline.stages import STAGES

if TYPE_CHECKING:
    import xarray as xr

# Stages of the files under each key of a figure's section.
DRAWN = {stage.drawn: stage for stage in STAGES.values() if stage.drawn}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "module", metavar="FIGURE", help="a module under quench.figures, such as kwj.fig3, or your own .py file"
    )
    for key, stage in DRAWN.items():
        parser.add_argument(
            f"--{stage.option}",
            dest=key,
            nargs="+",
            action="append",
            default=[],
            metavar=("NAME", "FILE"),
            help=f"{stage.label}: a name and its files",
        )
    add_field(parser, "scale", Scenario.model_fields["scale"])
    add_section(parser, Figure)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="STEM", help="path without its suffix")


def run(args: argparse.Namespace) -> None:
    module = find(args.module)
    declared.check(args.module, {key: getattr(args, key) for key in DRAWN})

    from quench.figures import build
    from quench.figures.figure_inputs import FigureInputs
    from quench.provenance import steps
    from quench.store import checksum, files

    *_, target = checked_outputs(args.output, (*build.FORMATS, ".nc"))
    code = steps.code("figure", figure=args.module)
    choices = {name: getattr(args, name) for name in ("scale", *Figure.option_fields())}
    inputs = FigureInputs({key: _read(getattr(args, key), stage.kinds[0]) for key, stage in DRAWN.items()}, choices)
    plotted = build.numbers(module, inputs)
    for note in build.trivial(inputs):
        print(f"{NOTE}{args.output.name}: {note}", file=sys.stderr)
    pictures = build.draw(module, plotted, args.output)
    config = {"figure": args.module, **choices, "seeds": inputs.seeds()}
    config["pictures"] = {path.suffix: checksum.sha256(path) for path in pictures}
    files.write(plotted, target, kind="figure", config=config, code=code)


def find(name: str) -> ModuleType:
    """The module of a figure. Raises ``QuenchError`` with the nearest name for an unknown one."""
    declared.read(name)
    if not declared.is_own(name):
        return importlib.import_module(f"quench.figures.{name}")
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(given: list[list[str]], kind: str) -> dict[str, list[xr.Dataset]]:
    """The datasets of an option, by name."""
    from quench.pipeline import results

    for words in given:
        if len(words) < 2:
            raise QuenchError(f"{words[0]!r}: give a name and at least one file")
    return {name: results.read_chunks(paths, kind) for name, *paths in given}
