"""How a run comes to its temperature: a part of the runs section."""

from __future__ import annotations

from typing import Literal

from quench.config.base import Section, key


class Anneal(Section):
    """A temperature that falls to the run's own, instead of a quench to it at time 0."""

    start: float = key(..., "T at time 0", ge=0, le=1e6)
    updates: int = key(
        ..., "updates until the run's temperature is reached; waiting times count from 0", ge=1, unit="updates"
    )
    form: Literal["linear", "exponential"] = key("linear", "T falls by equal differences or, not to 0, by equal ratios")
