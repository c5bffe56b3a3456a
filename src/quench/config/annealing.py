"""Annealing of a Langevin run: a part of the runs section."""

from __future__ import annotations

from typing import Literal

from quench.config.base import Section, key


class Anneal(Section):
    """Gradual cooling to the run's temperature, instead of a quench at time 0."""

    start: float = key(..., "T at time 0", ge=0, le=1e6)
    updates: int = key(
        ..., "updates until the run's temperature is reached; waiting times count from time 0", ge=1, unit="updates"
    )
    form: Literal["linear", "exponential"] = key(
        "linear", "linear: T falls by equal differences; exponential: by equal ratios, to T > 0"
    )
