"""The live line of a workflow on a terminal: jobs done and running, and the time left by the cost model."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

# Mean seconds of a rule's jobs by the cost model; the rules set them when the work starts. Only their ratios count.
seconds_by_rule: dict[str, float] = {}


class Line:
    """One line that is drawn again with every event; other messages are printed above it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream, self.clock, self.began = stream, clock, clock()
        self.planned: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.running: dict[int, tuple[str, str]] = {}
        self.drawn = False

    def plan(self, jobs: Mapping[str, int]) -> None:
        """Set the number of jobs of each rule, as Snakemake counts them."""
        self.planned = Counter({rule: count for rule, count in jobs.items() if rule != "total"})
        self.began = self.clock()

    def start(self, job: int, rule: str, wildcards: Iterable[str]) -> None:
        self.running[job] = rule, " ".join([rule, *wildcards])
        self._draw()

    def end(self, job: int, done: bool = True) -> None:
        """Count a finished job, or leave out one that failed."""
        rule, _ = self.running.pop(job, ("", ""))
        self.done[rule] += done
        self._draw()

    def print(self, message: str) -> None:
        """Print ``message`` above the line."""
        self.stream.write(f"{self._erased()}{message}\n")
        self._draw()

    def close(self) -> None:
        if self.drawn:
            self.stream.write("\n")
            self.stream.flush()
            self.drawn = False

    def text(self) -> str:
        parts = [f"{self.done.total()} of {self.planned.total()} jobs done"]
        if (seconds := self.left()) is not None:
            parts.append(f"about {max(1, round(seconds / 60))} min left")
        if self.running:
            parts.append(f"running: {', '.join(name for _, name in self.running.values())}")
        return " · ".join(parts)

    def left(self) -> float | None:
        """Seconds left, if the rest takes as long per predicted second as what is done; None before anything is."""
        work = _predicted(self.done)
        rest = _predicted(self.planned) - work
        return (self.clock() - self.began) * rest / work if work > 0 and rest > 0 else None

    def _draw(self) -> None:
        if not self.planned:
            self.stream.flush()
            return
        try:
            columns = os.get_terminal_size(self.stream.fileno()).columns or 80
        except (OSError, ValueError):
            columns = 80
        # A line that wraps would leave its first half behind.
        self.stream.write(f"{self._erased()}{self.text()[: columns - 1]}")
        self.stream.flush()
        self.drawn = True

    def _erased(self) -> str:
        return "\r\x1b[K" if self.drawn else ""


def _predicted(jobs: Mapping[str, int]) -> float:
    return sum(count * seconds_by_rule.get(rule, 0.0) for rule, count in jobs.items())
