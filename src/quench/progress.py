"""Long work says how far it is: a bar on a terminal, a line now and then in a log, with the time left."""

from __future__ import annotations

import math
import sys
import time
from typing import TextIO

LOG_EVERY_SECONDS = 30.0
BAR_EVERY_SECONDS = 0.2
BAR_WIDTH = 24


class Progress:
    """Tell about ``total`` steps of work called ``title``; pace and time left count from the step first told."""

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self.title, self.total = title, total
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.began = self.told = time.monotonic()
        self.first: int | None = None

    def tell(self, step: int, phase: str, loss: float = float("nan")) -> None:
        """Say where the work is, if it is time to."""
        now = time.monotonic()
        if self.first is None:
            self.first = step
        if now - self.told < (BAR_EVERY_SECONDS if self.terminal else LOG_EVERY_SECONDS):
            return
        self.told = now
        self._write(self._line(step, phase, loss, now))

    def close(self) -> None:
        """End the bar, so that what follows starts on a line of its own."""
        if self.terminal:
            self.stream.write("\n")
            self.stream.flush()

    def _line(self, step: int, phase: str, loss: float, now: float) -> str:
        rate = (step - (self.first or 0)) / max(now - self.began, 1e-9)
        left = (self.total - step) / rate if rate > 0 else float("inf")
        line = f"{self.title}: {phase}, step {step:,} of {self.total:,}"
        if math.isfinite(loss):
            line += f", loss {loss:.4g}"
        line += f", {rate:,.0f} steps/s, {_clock(left)} left"
        if self.terminal:
            done = round(BAR_WIDTH * step / max(self.total, 1))
            line = f"[{'#' * done}{'.' * (BAR_WIDTH - done)}] {line}"
        return line

    def _write(self, line: str) -> None:
        self.stream.write(f"\r\x1b[K{line}" if self.terminal else f"{line}\n")
        self.stream.flush()


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
