"""Pack all files from which the figures of a scenario are drawn, with its configuration, into one checksummed archive.

quench pack results/default -o default.tar

Every file is checked first. The archive describes its files and jobs in ro-crate-metadata.json, a Provenance Run Crate.
With the archive and this repository, all figures can be drawn without training:

quench unpack default.tar
snakemake --configfile results/default/config.yaml
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
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
    parts = {path.relative_to(root).as_posix(): path for path in (root / results.CONFIG, *wanted)}
    with tempfile.TemporaryDirectory() as folder:
        archive.pack(root.name, parts | _crate(root, scenario, parts, Path(folder)), args.output)
    size = args.output.stat().st_size
    print(f"{args.output}: {len(wanted)} files, {size / 1e6:.1f} MB, sha256 {checksum.sha256(args.output)}")


def _crate(root: Path, scenario: Any, parts: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """The Snakefile that made the results, and a crate of all files, written to ``folder``; none without a Snakefile."""
    from quench.report import crate
    from quench.store import checksum

    # Results lie in results/<scenario> of the folder where Snakemake ran.
    places = [root.parents[1] / crate.WORKFLOW, root.parents[1] / "workflow" / crate.WORKFLOW]
    workflow = next((path for path in places if path.is_file()), None)
    if workflow is None:
        print(f"no {crate.WORKFLOW} in {root.parents[1]}: the archive has no {crate.NAME}")
        return {}
    sums = {name: checksum.sha256(path) for name, path in ({crate.WORKFLOW: workflow} | dict(parts)).items()}
    (folder / crate.NAME).write_text(crate.crate(root, scenario, sums), encoding="utf-8")
    return {crate.WORKFLOW: workflow, crate.NAME: folder / crate.NAME}


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
