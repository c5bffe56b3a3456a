"""Write one page with all figures, the claims and their provenance; with --compare, two scenarios side by side.

quench report results/default -o results/default/report/index.html
quench report results/default --compare results/smoke -o comparison.html

The page contains all its pictures and plotted numbers, and makes no network requests.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

# Bytes above which a page opens slowly on a phone.
LARGE = 15_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", type=Path, metavar="FOLDER", help="results of a scenario, as in results/default")
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="results of another scenario, shown beside it")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="resolved config; - reads stdin (default: config.yaml in FOLDER)"
    )
    parser.add_argument(
        "--paper",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="config files of the papers' own scale, each over those before it; the page lists what differs",
    )
    parser.add_argument(
        "--workflow",
        default="snakemake",
        metavar="COMMAND",
        help="the Snakemake call that makes this scenario, shown with every figure (default: snakemake)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="HTML file to write")


def run(args: argparse.Namespace) -> None:
    import yaml

    from quench.cli.options import check_output
    from quench.cost.disk import readable
    from quench.report.compare import compare
    from quench.report.contents import gather
    from quench.report.page import render, render_comparison
    from quench.runtime.atomic import atomic

    check_output(args.output)
    config = None
    if args.config is not None:
        text = sys.stdin.read() if str(args.config) == "-" else args.config.read_text(encoding="utf-8")
        config = yaml.safe_load(text)
    contents = gather(args.results, config, args.workflow, _papers_scale(args.paper))
    for name in contents.absent:
        print(f"quench: {args.results}: {name} is not drawn yet", file=sys.stderr)
    page = render_comparison(compare(contents, gather(args.compare))) if args.compare else render(contents)
    content = page.encode("utf-8")
    if len(content) > LARGE:
        print(f"quench: {args.output}: {readable(len(content))}, slow to open on a phone", file=sys.stderr)
    with atomic(args.output) as temporary:
        temporary.write_bytes(content)


def _papers_scale(paths: list[Path]) -> dict[str, Any] | None:
    """The resolved config of ``paths``. None, with a note, where a default that someone edited no longer fits below it."""
    from quench.config.scenario import load_files
    from quench.cost.chunks import declare
    from quench.errors import QuenchError

    if not paths:
        return None
    try:
        return declare(load_files(paths)).model_dump(mode="json")
    except QuenchError as error:
        if not all(path.is_file() for path in paths):
            raise
        names = ", ".join(map(str, paths))
        print(f"quench: the page does not compare with the papers' scale ({names}): {error}", file=sys.stderr)
        return None
