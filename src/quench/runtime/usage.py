"""What a command took: told at the end of its log, read back by the report. Results themselves carry no clock time."""

from __future__ import annotations

import platform
import re
import resource
import sys
import time
from pathlib import Path
from typing import NamedTuple, TextIO

_LINE = re.compile(
    r"^quench: took (?P<seconds>[\d.]+) s, (?P<cpu>[\d.]+) s of processor time, (?P<megabytes>\d+) MB at most,"
    r" on (?P<machine>.+)$",
    re.MULTILINE,
)


class Usage(NamedTuple):
    """Seconds by the clock, seconds of all processor cores together, peak memory, and the kind of machine."""

    seconds: float
    cpu: float
    megabytes: int
    machine: str


def tell(began: float, stream: TextIO | None = None) -> None:
    """Write what this process and its children took since ``began`` (``time.monotonic``); nothing on a terminal."""
    stream = stream or sys.stderr
    if stream.isatty():
        return
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in spent)
    # Linux counts kilobytes, macOS bytes.
    peak = max(one.ru_maxrss for one in spent) / (1e6 if sys.platform == "darwin" else 1e3)
    seconds = time.monotonic() - began
    print(
        f"quench: took {seconds:.1f} s, {cpu:.1f} s of processor time, {peak:.0f} MB at most, on {machine()}",
        file=stream,
        flush=True,
    )


def machine() -> str:
    """Kind of processor and number of cores; no name of a host."""
    import os

    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    if named and named[1].strip() not in {"", "unknown"}:
        return " ".join(named[1].split())
    return platform.processor() or platform.machine() or "unknown processor"


def read(log: Path) -> Usage | None:
    """The last such line of a log; None where there is none (the job was killed, or failed)."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    told = list(_LINE.finditer(text))
    if not told:
        return None
    found = told[-1]
    return Usage(float(found["seconds"]), float(found["cpu"]), int(found["megabytes"]), found["machine"])
