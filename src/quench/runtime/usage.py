"""Time and memory that a command used: the last line of its log, read by the report. Results carry no clock time."""

from __future__ import annotations

import os
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
    """Wall-clock seconds, seconds of all processor cores together, peak memory in MB, and the kind of machine."""

    seconds: float
    cpu: float
    megabytes: int
    machine: str


def log(began: float, stream: TextIO | None = None) -> None:
    """Write what this process and its children used since ``began`` (``time.monotonic``); on a terminal, nothing."""
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
    """Kind of processor and number of cores; no host name."""
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


def read(path: Path) -> Usage | None:
    """The usage in the log at ``path``; None if it has none, because the job was killed or failed."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    lines = list(_LINE.finditer(text))
    if not lines:
        return None
    found = lines[-1]
    return Usage(float(found["seconds"]), float(found["cpu"]), int(found["megabytes"]), found["machine"])
