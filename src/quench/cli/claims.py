"""Check the papers' claims against the plotted numbers of our figures: one row a claim, as CSV and JSON.

quench claims config/claims.yaml --scenario default --figure kwj_fig3 figures/kwj_fig3.nc -o claims

A claim that is not reproduced is a result like any other; the exit status is 0.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

COLUMNS = (
    "id",
    "paper",
    "figure",
    "statement",
    "expected",
    "value",
    "low",
    "high",
    "n_networks",
    "verdict",
    "reason",
    "allowed",
    "why",
    "quantity",
    "reads",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("claims", type=Path, help="the list of claims, YAML")
    parser.add_argument("--scenario", required=True, help="name of the scenario that the figures are from")
    parser.add_argument(
        "--figure", nargs=2, action="append", default=[], metavar=("NAME", "FILE"), help="plotted numbers of a figure"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="STEM", help="writes STEM.csv and STEM.json"
    )


def run(args: argparse.Namespace) -> None:
    import csv
    import json

    from quench.config.claims import load
    from quench.pipeline import results
    from quench.runtime.atomic import atomic

    declared = load(args.claims)
    figures = {name: results.read(path, kind="figure") for name, path in args.figure}
    rows = [_row(claim, declared.meaningless, figures, args.scenario) for claim in declared.claims]
    args.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic(args.output.with_name(args.output.name + ".json")) as path:
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    with (
        atomic(args.output.with_name(args.output.name + ".csv")) as path,
        path.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    _tell(rows)


def _row(claim: Any, meaningless: dict[str, str], figures: dict, scenario: str) -> dict[str, Any]:
    from quench.claims import judge
    from quench.claims.measured import Measured

    quantity = judge.find(claim.quantity)
    missing = [name for name in claim.reads if name not in figures]
    if missing:
        measured = Measured(float("nan"), reason=f"this scenario draws no {missing[0]}")
    else:
        measured = judge.measure(quantity, [figures[name] for name in claim.reads], claim.arguments)
    if scenario in meaningless:
        outcome = judge.CANNOT, meaningless[scenario]
    elif claim.scenarios and scenario not in claim.scenarios:
        outcome = judge.CANNOT, claim.elsewhere
    else:
        outcome = judge.verdict(measured, claim.allowed)
    return {
        "id": claim.id,
        "paper": claim.paper,
        "figure": claim.figure,
        "statement": claim.statement,
        "expected": claim.expected,
        "value": _number(measured.value),
        "low": _number(measured.low),
        "high": _number(measured.high),
        "n_networks": measured.n_networks or None,
        "verdict": outcome[0],
        "reason": outcome[1],
        "allowed": _range(*claim.allowed),
        "why": claim.why,
        "quantity": claim.quantity,
        "reads": " ".join(claim.reads),
    }


def _number(value: float) -> float | str | None:
    """JSON has neither NaN nor infinity: absent, or the word."""
    import math

    if math.isnan(value):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _range(low: float, high: float) -> str:
    import math

    if low == high:
        return f"{low:g}"
    if math.isinf(low):
        return f"≤ {high:g}"
    return f"≥ {low:g}" if math.isinf(high) else f"{low:g} … {high:g}"


def _tell(rows: list[dict[str, Any]]) -> None:
    import sys

    from quench.claims import judge

    counts = {word: sum(row["verdict"] == word for row in rows) for word in _verdicts(judge)}
    print(f"{len(rows)} claims: " + ", ".join(f"{count} {word}" for word, count in counts.items()), file=sys.stderr)


def _verdicts(judge: Any) -> tuple[str, str, str]:
    return judge.REPRODUCED, judge.NOT_REPRODUCED, judge.CANNOT
