"""Unpack an archive of quench pack to a results folder, from which every figure can be drawn without training.

quench unpack default.tar
snakemake --configfile results/default/config.yaml

An archive that is damaged, or contains other files than those of quench pack, is refused, and nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, help="archive of quench pack")
    parser.add_argument(
        "-d", "--directory", type=Path, default=Path("results"), help="folder to unpack to (default: results)"
    )


def run(args: argparse.Namespace) -> None:
    from quench.errors import QuenchError
    from quench.pipeline import results
    from quench.report import crate
    from quench.store import archive

    def check(path: Path) -> None:
        if path.suffix == ".nc":
            results.read(path)
        elif path.name not in (results.CONFIG, crate.NAME, crate.WORKFLOW):
            raise QuenchError(f"{path.name!r} is not a file that quench pack puts into an archive")

    target = archive.unpack(args.archive, args.directory, check)
    usual = Path("results", target.name)
    moved = "" if target.resolve() == usual.resolve() else f" (where this folder is {usual})"
    print(
        f"{target}: all files are intact; to draw its figures{moved}:\nsnakemake --configfile {usual / results.CONFIG}"
    )
