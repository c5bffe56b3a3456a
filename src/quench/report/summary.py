"""The summary on top of the page: sentences made from the verdicts alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quench.report.signatures import SYSTEMS

# How a system shows a signature, by the readings of the evidence for it.
_FINDINGS = {
    frozenset({"like"}): "As in a glass",
    frozenset({"unlike"}): "Unlike a glass",
    frozenset({"like", "unlike"}): "Partly",
    frozenset(): "Open",
}


def findings(rows: Sequence[dict[str, Any]]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """For every signature its name, and the systems by finding; ``rows`` are those of ``Contents.signatures``.

    Only reproduced claims are evidence; a system without any is open. A system without a claim is left out.
    """
    return [(row["name"], _grouped(row["cells"])) for row in rows if any(row["cells"].values())]


def _grouped(cells: dict[str, list[dict[str, str]]]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {finding: [] for finding in _FINDINGS.values()}
    for system, name in SYSTEMS.items():
        if cells[system]:
            evidence = frozenset(one["reading"] for one in cells[system]) & {"like", "unlike"}
            groups[_FINDINGS[evidence]].append(name)
    return [(finding, names) for finding, names in groups.items() if names]
