"""Everything that the figures of a scenario are drawn from, with its configuration, in one checksummed archive.

quench pack results/default -o default.tar

Every file is checked on the way in. Whoever has the archive and this repository draws every figure, without training:

quench unpack default.tar
snakemake --configfile results/default/config.yaml
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quench.cli.options import check_output
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results of one scenario, such as results/default")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="ARCHIVE", help="tar file to write")


def run(args: argparse.Namespace) -> None:
    from quench.pipeline import results
    from quench.store import archive, checksum

    root, scenario = results.opened(args.folder)
    if root.name != scenario.scenario:
        raise QuenchError(f"{args.folder}: holds the scenario {scenario.scenario!r}; a folder has its scenario's name")
    wanted = _wanted(scenario, root)
    for path in wanted:
        results.read(path)
    check_output(args.output)
    archive.pack(root, [root / results.CONFIG, *wanted], args.output)
    size = args.output.stat().st_size
    print(f"{args.output}: {len(wanted)} files, {size / 1e6:.1f} MB, sha256 {checksum.sha256(args.output)}")


def _wanted(scenario: Any, root: Path) -> list[Path]:
    """The files in ``root`` that the figures of ``scenario`` read; ``QuenchError`` where one was not made yet."""
    from quench.pipeline.paths import Layout

    layout = Layout(scenario)
    read: set[Path] = set()
    for figure in scenario.figures:
        paths = [root / Path(path).relative_to(layout.folder) for path in layout.figure_paths(figure)]
        for path in paths:
            if not path.exists():
                raise QuenchError(
                    f"{path}: not there, but the figure {figure!r} is drawn from it; run the workflow first"
                )
        read.update(paths)
    return sorted(read)
