"""Comparison of two scenarios: differences of their configs and verdicts, and their figures side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quench.report.contents import Contents, Shown
from quench.report.reduced import flat


@dataclass(frozen=True)
class Comparison:
    """``settings``: keys of the configs that differ, with both values; ``claims``: pairs of rows; ``figures``: pairs, None
    where one is missing."""

    first: Contents
    second: Contents
    settings: list[tuple[str, Any, Any]]
    claims: list[tuple[dict[str, Any], dict[str, Any]]]
    figures: list[tuple[Shown | None, Shown | None]]

    @property
    def changed(self) -> int:
        """Number of claims whose verdicts differ."""
        return sum(first["verdict"] != second["verdict"] for first, second in self.claims)


def compare(first: Contents, second: Contents) -> Comparison:
    """The comparison of two scenarios, in the order of the first."""
    left, right = dict(flat(first.config)), dict(flat(second.config))
    keys = dict.fromkeys([*left, *right])
    rows = {row["id"]: row for row in second.claims}
    ours = {figure.name: figure for figure in first.figures}
    theirs = {figure.name: figure for figure in second.figures}
    return Comparison(
        first,
        second,
        [(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)],
        [(row, rows[row["id"]]) for row in first.claims if row["id"] in rows],
        [(ours.get(name), theirs.get(name)) for name in dict.fromkeys([*ours, *theirs])],
    )
