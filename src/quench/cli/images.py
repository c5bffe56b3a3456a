"""Raw images of one source to a file, from which all its classifiers are trained.

quench images --source mnist5k -o images/mnist5k.nc

The embedded mnist5k has no test images; the last 100 of each class are set aside. CIFAR images in any layout, the binary
files, the Python version or folders of PNG files, become the official files of the data folder:

quench images --source cifar10 --from ~/Downloads/cifar-10-batches-py
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import check_output
from quench.config.classifiers import Classifier
from quench.config.sections import Scenario
from quench.pipeline.arguments import add_field


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_field(parser, "source", Classifier.model_fields["source"])
    add_field(parser, "data_root", Scenario.model_fields["data_root"])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-o", "--output", type=Path, help="NetCDF file to write")
    what.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="take CIFAR images from here into the data folder"
    )


def run(args: argparse.Namespace) -> None:
    from quench.data.download import check_available
    from quench.data.images import split_images
    from quench.data.layouts import import_cifar
    from quench.data.sources import find
    from quench.provenance import steps
    from quench.store import files

    if args.folder is not None:
        print(f"{import_cifar(find(args.source), args.folder, args.data_root)}: complete")
        return
    check_available(find(args.source), args.data_root)
    check_output(args.output)
    images = split_images(args.source, args.data_root)
    files.write(images, args.output, kind="images", config=files.config_of(images), code=steps.code("images"))
