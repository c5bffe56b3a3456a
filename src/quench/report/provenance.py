"""Provenance of the results of a scenario: resources of its jobs by folder, versions in its figures, seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from quench.config.base import tables
from quench.config.sections import Scenario
from quench.pipeline.stages import STAGES
from quench.runtime import usage


@dataclass
class Spent:
    """Jobs of a folder, and the sums of their wall and processor times, as far as their logs state them."""

    jobs: int = 0
    timed: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    megabytes: int = 0
    machines: set[str] = field(default_factory=set)

    def add(self, used: usage.Usage | None) -> None:
        self.jobs += 1
        if used is not None:
            self.timed += 1
            self.seconds += used.seconds
            self.cpu += used.cpu
            self.megabytes = max(self.megabytes, used.megabytes)
            self.machines.add(used.machine)


def spent(results: Path, config: Mapping[str, Any]) -> dict[str, Spent]:
    """Resources of the jobs of each folder of results, from their logs; a log covers the job's last start.

    Results that the resolved ``config`` does not declare are left out: they are those of an earlier one.
    """
    tables_of: dict[str, list[str]] = {}
    for stage in STAGES.values():
        tables_of.setdefault(stage.folder, []).extend([stage.table] if stage.table else [])
    folders: dict[str, Spent] = {}
    logs = results / "logs"
    for path in sorted(logs.rglob("*.log")):
        folder, *names = path.relative_to(logs).with_suffix("").parts
        declaring = tables_of.get(folder)
        if not declaring or any(names[0] in (config.get(table) or {}) for table in declaring):
            folders.setdefault(folder, Spent()).add(usage.read(path))
    return folders


def total(parts: Iterable[Spent]) -> Spent:
    """Resources of all ``parts``."""
    found = Spent()
    for part in parts:
        found.jobs += part.jobs
        found.timed += part.timed
        found.seconds += part.seconds
        found.cpu += part.cpu
        found.megabytes = max(found.megabytes, part.megabytes)
        found.machines |= part.machines
    return found


def duration(seconds: float) -> str:
    """``42 s``, ``7.5 min``, ``3.2 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min" if seconds >= 570 else f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def versions(figures: Iterable[xr.Dataset]) -> dict[str, list[str]]:
    """Versions of packages, commits and releases in the figures' files; several where they were made at different times."""
    found: dict[str, set[str]] = {}
    for figure in figures:
        attributes: Mapping[str, Any] = figure.attrs
        entries = json.loads(attributes.get("package_versions", "{}"))
        entries |= {"quench": attributes.get("created_by", "").removeprefix("quench ")}
        entries |= {"git commit": attributes.get("git_commit", "unknown")[:12]}
        for name, version in entries.items():
            if version:
                found.setdefault(name, set()).add(version)
    return {name: sorted(found[name]) for name in sorted(found)}


def seeds(config: Mapping[str, Any]) -> dict[str, str]:
    """Seeds of all random parts of a resolved config: ``section.name`` to ``first-last``."""
    found = {}
    for section in [name for name, entry in tables(Scenario).items() if "first_seed" in entry.model_fields]:
        for name, entry in (config.get(section) or {}).items():
            first, count = entry.get("first_seed", 0), entry.get("seeds", 1)
            found[f"{section}.{name}"] = f"{first}-{first + count - 1}" if count > 1 else str(first)
    return found
