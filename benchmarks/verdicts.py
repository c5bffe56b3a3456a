"""The verdicts of a finished run, as a table of all claims of a paper: what docs/bj.md and docs/kwj.md put on record.

python benchmarks/verdicts.py results/thorough/claims.json --paper BJ --write docs/bj.md

Without --write the table is printed. A test compares the tables of the pages with the declared claims, and every verdict
with its interval and allowed range.
"""

import argparse
import json
from pathlib import Path

import between_markers

MARKERS = ("<!-- verdicts begin -->", "<!-- verdicts end -->")


def table(rows: list[dict], paper: str) -> str:
    """One line of Markdown for each claim of ``paper``: its range, our value with its interval, n and the verdict."""
    lines = ["| claim | statement | allowed | here | networks | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        if row["paper"] == paper:
            here = "" if row["value"] is None else f"{'> ' if row['bound'] else ''}{row['value']}"
            if row["low"] is not None:
                here += f" [{row['low']}, {row['high']}]"
            verdict = row["verdict"] if row["verdict"] == row["plain"] else f"{row['verdict']} (plain: {row['plain']})"
            statement = row["statement"].replace("|", r"\|")
            lines.append(
                f"| `{row['id']}` | {statement} | {row['allowed']} | {here} | {row['n_networks'] or ''} | {verdict} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claims", type=Path, help="results/<scenario>/claims.json")
    parser.add_argument("--paper", required=True, help="BJ, KWJ, ours or theory")
    parser.add_argument("--write", type=Path, help="replace the table between the markers of this page")
    args = parser.parse_args()
    made = table(json.loads(args.claims.read_text(encoding="utf-8")), args.paper)
    if args.write:
        between_markers.write(args.write, MARKERS, made)
    else:
        print(made)


if __name__ == "__main__":
    main()
