"""Contents that a file of a results folder must have, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quench.config.sections import Scenario
from quench.pipeline import stages


@dataclass(frozen=True)
class Expected:
    """Kinds that a file may have, parameters that it must state, and values of its coordinates."""

    kinds: tuple[str, ...]
    config: Mapping[str, Any]
    coordinates: Mapping[str, list[Any]] = field(default_factory=dict)


def contents(scenario: Scenario, name: str) -> Expected | None:
    """Contents of the file ``name``, relative to ``results/<scenario>``; None for one that ``scenario`` does not declare."""
    found = stages.find(name, scenario)
    if found is None:
        return None
    stage, job = found
    declared = stage.declares(scenario, job)
    if declared is None:
        return None
    return Expected(stage.kinds, {**declared.shared, **declared.config}, declared.coordinates)
