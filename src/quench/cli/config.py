"""Check scenario files without running anything, and print the resolved scenario, the schema or the reference page.

quench config config/config.yaml config/smoke.yaml
"""

from __future__ import annotations

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="YAML files; each overrides those before it")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--schema", action="store_true", help="print the JSON schema of a scenario")
    what.add_argument("--reference", action="store_true", help="print the reference page (config/README.md)")


def run(args: argparse.Namespace) -> None:
    from quench.config import reference, scenario
    from quench.cost.chunks import declare
    from quench.errors import QuenchError

    if args.schema:
        sys.stdout.write(reference.schema())
    elif args.reference:
        sys.stdout.write(reference.page())
    elif args.files:
        sys.stdout.write(scenario.as_yaml(declare(scenario.load_files(args.files))))
    else:
        raise QuenchError("give at least one config file, or --schema, or --reference")
