"""Where the results of a scenario come from: what its jobs took, by stage, and the versions in its figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from quench.config.scenario import NAMING
from quench.runtime import usage


@dataclass
class Spent:
    """Jobs of a stage; seconds by the clock and of processor time summed over them, where their logs say so."""

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
    """What each stage, a folder of results, took, from the logs of its jobs; a log tells of the job's last start.

    Left out is what the resolved ``config`` does not name: results of an earlier one may lie in the same folder.
    """
    stages: dict[str, Spent] = {}
    logs = results / "logs"
    for path in sorted(logs.rglob("*.log")):
        stage, *names = path.relative_to(logs).with_suffix("").parts
        sections = NAMING.get(stage, ())
        if not sections or any(names[0] in (config.get(section) or {}) for section in sections):
            stages.setdefault(stage, Spent()).add(usage.read(path))
    return stages


def total(stages: Iterable[Spent]) -> Spent:
    """All stages together."""
    whole = Spent()
    for stage in stages:
        whole.jobs += stage.jobs
        whole.timed += stage.timed
        whole.seconds += stage.seconds
        whole.cpu += stage.cpu
        whole.megabytes = max(whole.megabytes, stage.megabytes)
        whole.machines |= stage.machines
    return whole


def duration(seconds: float) -> str:
    """``42 s``, ``7.5 min``, ``3.2 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min" if seconds >= 570 else f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def versions(figures: Iterable[xr.Dataset]) -> dict[str, list[str]]:
    """Versions of packages, commits and releases in the figures' files; more than one where they were made apart."""
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
    """Seeds of everything random in a resolved config, ``section.name`` to ``first-last``."""
    found = {}
    for section in ("ensembles", "scans", "classifiers", "simulations"):
        for name, entry in (config.get(section) or {}).items():
            first, count = entry.get("first_seed", 0), entry.get("seeds", 1)
            found[f"{section}.{name}"] = f"{first}-{first + count - 1}" if count > 1 else str(first)
    return found
