"""Progress of long work: a bar on a terminal, a line every half minute in a log, with the time left."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Self, TextIO

LOG_EVERY_SECONDS = 30.0
BAR_EVERY_SECONDS = 0.2
BAR_WIDTH = 24
# The pace is that of the last minute, because it changes during the work.
PACE_SECONDS = 60.0


class Progress:
    """Report on ``total`` steps of work called ``title``: phase, step, loss, steps per second, time left.

    On a terminal one line with a bar is redrawn; elsewhere a line is written every half minute, and one at the end. Used
    as a context, the bar is ended whatever happens.
    """

    def __init__(
        self, title: str, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.title, self.total, self.clock = title, total, clock
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.began = self.reported = clock()
        self.phase = ""
        self.marks: deque[tuple[float, int]] = deque()
        self.last: tuple[int, str, float] | None = None
        self.first_step = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.close(done=kind is None)

    def report(self, step: int, phase: str, loss: float = float("nan")) -> None:
        """Note where the work is, and write it if the last line is old enough."""
        now = self.clock()
        if self.last is None:
            self.first_step = step
        if phase != self.phase:
            self.phase = phase
            self.marks.clear()
        while len(self.marks) > 1 and now - self.marks[1][0] > PACE_SECONDS:
            self.marks.popleft()
        # One mark per second is enough for the pace of a minute.
        if not self.marks or now - self.marks[-1][0] >= 1.0:
            self.marks.append((now, step))
        self.last = (step, phase, loss)
        if now - self.reported >= (BAR_EVERY_SECONDS if self.terminal else LOG_EVERY_SECONDS):
            self.reported = now
            self._write(self._line(step, phase, loss, now))

    def close(self, done: bool = True) -> None:
        """End the bar at the last step (on a terminal), or write how long the work took (in a log)."""
        if self.last is None:
            return
        step, phase, loss = self.last
        now = self.clock()
        if self.terminal:
            self._write(self._line(step, phase, loss, now))
            self.stream.write("\n")
            self.stream.flush()
        elif done:
            steps = step - self.first_step
            rate = steps / max(now - self.began, 1e-9)
            self._write(
                f"{self.title}: {steps:,} steps in {_clock(now - self.began)}{_loss(loss)}, {_rate(rate)} steps/s"
            )

    def _line(self, step: int, phase: str, loss: float, now: float) -> str:
        since, start = self.marks[0]
        rate = (step - start) / (now - since) if now > since else 0.0
        left = _clock((self.total - step) / rate) if rate > 0 else "unknown time"
        place = f"{self.title}: {phase}, step {step:,} of {self.total:,}{_loss(loss)}"
        return f"{place}, {_rate(rate)} steps/s, {left} left"

    def _write(self, line: str) -> None:
        if self.terminal:
            done = round(BAR_WIDTH * (self.last[0] if self.last else 0) / max(self.total, 1))
            bar = f"[{'#' * done}{'.' * (BAR_WIDTH - done)}] {line}"
            # A line that wraps would leave its first half behind.
            line = f"\r\x1b[K{bar[: self._columns() - 1]}"
        else:
            line = f"{line}\n"
        self.stream.write(line)
        self.stream.flush()

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


def _loss(loss: float) -> str:
    return f", loss {loss:.4g}" if math.isfinite(loss) else ""


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
