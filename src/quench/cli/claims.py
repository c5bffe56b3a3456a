"""Check the papers' claims against the plotted numbers of our figures: one row per claim, as CSV and JSON.

quench claims config/claims.yaml --scenario default --figure kwj_fig3 figures/kwj_fig3.nc -o claims

The exit status is 0 whatever the verdicts: a claim that is not reproduced is a result.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("claims", type=Path, help="list of claims, YAML")
    parser.add_argument("--scenario", required=True, help="name of the scenario that drew the figures")
    parser.add_argument(
        "--figure", nargs=2, action="append", default=[], metavar=("NAME", "FILE"), help="plotted numbers of a figure"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="STEM", help="path without suffix of the CSV and JSON files"
    )


def run(args: argparse.Namespace) -> None:
    import csv
    import json
    import sys

    from quench.claims import judge
    from quench.cli.options import checked_outputs
    from quench.config.claims import load
    from quench.pipeline import results
    from quench.runtime.atomic import atomic

    table, sheet = checked_outputs(args.output, (".json", ".csv"))
    declared = load(args.claims)
    figures = {name: results.read(path, kind="figure") for name, path in args.figure}
    rows = [judge.row(claim, figures, args.scenario, declared.meaningless) for claim in declared.claims]
    with atomic(table) as path:
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    with atomic(sheet) as path, path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in judge.VERDICTS}
    print(f"{len(rows)} claims: " + ", ".join(f"{count} {word}" for word, count in counts.items()), file=sys.stderr)
