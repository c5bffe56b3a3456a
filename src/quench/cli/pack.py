"""Pack all files from which the figures of a scenario are drawn, with its configuration, into one checksummed archive.

quench pack results/default -o default.tar

Every file is checked first. With the archive and this repository, all figures can be drawn without training:

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
        raise QuenchError(f"{args.folder}: contains the scenario {scenario.scenario!r}; the folder must have its name")
    wanted = _wanted(scenario, root)
    for path in wanted:
        results.read(path)
    check_output(args.output)
    archive.pack(root, [root / results.CONFIG, *wanted], args.output)
    size = args.output.stat().st_size
    print(f"{args.output}: {len(wanted)} files, {size / 1e6:.1f} MB, sha256 {checksum.sha256(args.output)}")


def _wanted(scenario: Any, root: Path) -> list[Path]:
    """The files in ``root`` that the figures of ``scenario`` read. Raises ``QuenchError`` for a missing one."""
    from quench.pipeline.paths import Paths

    declared = Paths(scenario)
    read: set[Path] = set()
    for figure in scenario.figures:
        paths = [root / Path(path).relative_to(declared.folder) for path in declared.figure_paths(figure)]
        for path in paths:
            if not path.exists():
                raise QuenchError(
                    f"{path}: missing, but the figure {figure!r} is drawn from it; run the workflow first, or see quench"
                    f" verify {root}"
                )
        read.update(paths)
    return sorted(read)
