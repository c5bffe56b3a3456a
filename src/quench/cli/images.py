"""Raw images of one source to a file: what every classifier that learns them starts from.

quench images --source mnist5k -o images/mnist5k.nc

Of the embedded mnist5k, which has no test images, the last 100 of each class are set aside.
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, check_output
from quench.data.sources import SOURCES

EMBEDDED_TRAIN_PER_CLASS = 400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help=f"one of {', '.join(SOURCES)}")
    parser.add_argument("--data-root", help="folder of raw images (default: QUENCH_DATA, else ./data)")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import xarray as xr

    from quench.data import sources
    from quench.data.inputs import interleaved
    from quench.provenance import steps
    from quench.store import files
    from quench.store.files import described

    source = sources.find(args.source)
    sources.check_available(args.source, args.data_root)
    check_output(args.output)
    raw = sources.load(args.source, "train", args.data_root)
    parts = {"train": (raw.images, raw.classes)}
    if args.source == "mnist5k":
        rest = source.train_size // source.n_classes - EMBEDDED_TRAIN_PER_CLASS
        for part, count, skip in (("train", EMBEDDED_TRAIN_PER_CLASS, 0), ("test", rest, EMBEDDED_TRAIN_PER_CLASS)):
            chosen = interleaved(raw.classes, count, skip)
            parts[part] = raw.images[chosen], raw.classes[chosen]
    else:
        test = sources.load(args.source, "test", args.data_root)
        parts["test"] = test.images, test.classes
    variables = {}
    for part, (images, classes) in parts.items():
        place = (f"{part}_sample", "channel", "row", "column")
        variables[f"{part}_images"] = described(images, place, f"{part} images, 0 to 255")
        variables[f"{part}_classes"] = described(classes, place[:1], f"classes of the {part} images")
    config = {"source": args.source, "n_classes": source.n_classes}
    files.write(xr.Dataset(variables), args.output, kind="images", config=config, code=steps.code("images"))
