"""Raw images to a dataset file: standardised pixels, principal component scores, binary labels.

quench prepare --source mnist5k --subset 2000 --components 10 -o data/mnist5k.nc
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, bounded, check_output
from quench.data.sources import SOURCES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help=f"one of {', '.join(SOURCES)}, or a .npz or .nc file")
    parser.add_argument(
        "--subset", type=bounded(int, 1), help="P_D: the first P_D/K images of each class (default: all)"
    )
    parser.add_argument("--components", type=bounded(int, 1), default=10, help="principal components kept")
    parser.add_argument("--standardise", choices=("pixel", "none"), default="pixel")
    parser.add_argument("--whiten", action="store_true", help="unit variance of every component")
    parser.add_argument("--labels", choices=("parity", "classes", "given"), default="parity")
    parser.add_argument("--data-root", help="folder of raw images (default: QUENCH_DATA, else ./data)")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.data.download import check_available
    from quench.data.prepare import prepare
    from quench.data.sources import check_subset, find
    from quench.provenance import steps
    from quench.store import files

    source = find(args.source)
    if args.subset is not None:
        check_subset(args.subset, args.source)
    check_available(source, args.data_root)
    check_output(args.output)
    choices = {
        "source": args.source,
        "subset": args.subset,
        "components": args.components,
        "standardise": args.standardise,
        "whiten": args.whiten,
        "labels": args.labels,
    }
    dataset = prepare(**choices, root=args.data_root)
    files.write(dataset, args.output, kind="dataset", config=choices, code=steps.code("prepare"))
