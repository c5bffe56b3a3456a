"""Annealing: a temperature that falls during a run and then stays, between a quench and equilibrium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FORMS = ("linear", "exponential")


@dataclass(frozen=True)
class Annealing:
    """T from ``start`` at update 0 to ``end`` at update ``updates``, and ``end`` from then on.

    linear: T(k) = start + (end - start) k / updates; exponential: T(k) = start (end / start)^(k / updates).
    Raises ``ValueError`` for an exponential to or from T = 0.
    """

    start: float
    end: float
    updates: int
    form: str = "linear"

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"form must be one of {', '.join(FORMS)}, not {self.form!r}")
        if self.form == "exponential" and min(self.start, self.end) <= 0:
            raise ValueError("an exponential form neither reaches T = 0 nor leaves it; take the linear form")

    def temperature(self, step: int) -> float:
        """T of the update that takes the weights from ``step`` to ``step`` + 1."""
        if step >= self.updates:
            return self.end
        share = step / self.updates
        if self.form == "linear":
            return self.start + (self.end - self.start) * share
        return float(self.start * (self.end / self.start) ** share)

    def stretches(self, first_step: int, n_steps: int) -> Iterator[tuple[int, int, float]]:
        """(first step, number of steps, T) of the stretches of constant temperature that make up ``n_steps`` updates."""
        last = first_step + n_steps
        for step in range(first_step, min(last, self.updates)):
            yield step, 1, self.temperature(step)
        rest = max(first_step, self.updates)
        if rest < last:
            yield rest, last - rest, self.end
