"""Check scenario files without running anything; print the resolved scenario, the schema or the reference page.

quench config config/config.yaml config/mine.yaml
quench config config/config.yaml config/paper.yaml --print

Each file overrides those before it, as snakemake --configfile config/mine.yaml overrides config/config.yaml.
"""

from __future__ import annotations

import argparse
import io
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quench.config.sections import Scenario

BASE = "config/config.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="YAML files; each overrides those before it")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--print", action="store_true", help="print the resolved scenario")
    what.add_argument("--schema", action="store_true", help="print the JSON schema of a scenario")
    what.add_argument("--reference", action="store_true", help="print the reference page (config/README.md)")


def run(args: argparse.Namespace) -> None:
    from quench.config import reference, scenario
    from quench.errors import QuenchError

    if args.schema or args.reference:
        _write(reference.schema() if args.schema else reference.page())
    elif not args.files:
        raise QuenchError("give at least one config file, or --schema, or --reference")
    else:
        resolved = _resolved(args.files)
        if args.print:
            _write(scenario.as_yaml(resolved))
        else:
            print(f"ok: {_summary(resolved)}")


def _resolved(files: list[str]) -> Scenario:
    """The scenario; the refusal of overlays without what they override says so."""
    from quench.config.scenario import load_files, merged
    from quench.cost.chunks import declare
    from quench.errors import QuenchError

    try:
        return declare(load_files(files))
    except QuenchError as error:
        if "data" in merged(files):
            raise
        hint = f"if it overrides the default: quench config {BASE} {shlex.join(files)}"
        raise QuenchError(f"{error}\nconfig: {hint}") from None


def _summary(scenario: Scenario) -> str:
    counts = {name: len(getattr(scenario, name)) for name in ("figures", "runs", "classifiers")}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"scenario {scenario.scenario!r}: {listed or 'nothing declared'} (--print prints it resolved)"


def _write(text: str) -> None:
    """Write a document in UTF-8, whatever the encoding of the terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)
