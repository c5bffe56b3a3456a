"""Raw images to a dataset file: standardised pixels, principal component scores, binary labels.

quench prepare --source mnist5k --subset 2000 --components 10 -o data/mnist5k.nc
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, check_output
from quench.config.sections import Data, Scenario
from quench.pipeline.arguments import add_field, add_section, read_section


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_section(parser, Data)
    add_field(parser, "data_root", Scenario.model_fields["data_root"])
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.data.download import check_available
    from quench.data.prepare import prepare
    from quench.data.sources import check_subset, find
    from quench.provenance import steps
    from quench.store import files

    data = read_section(args, Data)
    source = find(data.source)
    if data.subset is not None:
        check_subset(data.subset, data.source)
    check_available(source, args.data_root)
    check_output(args.output)
    choices = data.options()
    dataset = prepare(**choices, root=args.data_root)
    files.write(dataset, args.output, kind="dataset", config=choices, code=steps.code("prepare"))
