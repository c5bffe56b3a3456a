"""What a figure depends on: the entries of a resolved config behind it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from quench.config.base import Section, references, tables
from quench.config.sections import Figure, Scenario


def lineage(config: Mapping[str, Any], figure: str) -> dict[str, Any]:
    """The part of a resolved config that a figure depends on: its entry and all entries to which this leads.

    Keys that are not set are left out.
    """
    sections = tables(Scenario)
    found: dict[str, Any] = {f"figures.{figure}": _set(config["figures"][figure])}
    waiting: list[tuple[type[Section], Mapping[str, Any]]] = [(Figure, config["figures"][figure])]
    while waiting:
        section, entry = waiting.pop(0)
        for key, known in references(section).items():
            names = entry.get(key) or ()
            for name, table in itertools.product([names] if isinstance(names, str) else names, known):
                target = (config.get(table) or {}).get(name)
                if target is not None and f"{table}.{name}" not in found:
                    found[f"{table}.{name}"] = _set(target)
                    waiting.append((sections[table], target))
    return found


def _set(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, [], (), {})}
