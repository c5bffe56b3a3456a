"""How far a workflow is: Snakemake's own list of what is to be made, with what logs and saved states tell of each."""

from __future__ import annotations

import csv
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from quench.runtime import usage
from quench.runtime.progress import LOG_EVERY_SECONDS

STATES = ("done", "running", "failed", "stopped", "waiting")
_PROGRESS = re.compile(r"^.*: (?P<where>.*step [\d,]+ of [\d,]+.* left)$", re.MULTILINE)
_FAILED = re.compile(r"^Error in rule \w+:\n(?:[ \t]+.*\n)*?[ \t]+log: (?P<log>\S+)", re.MULTILINE)
# A job on another machine that told nothing for so long is not taken for a running one.
_SILENT = 4 * LOG_EVERY_SECONDS


@dataclass
class Job:
    """One job of the workflow: its rule, the files it makes, and whether Snakemake would run it."""

    rule: str
    name: str
    log: Path
    outputs: list[Path] = field(default_factory=list)
    pending: bool = False
    reason: str = ""
    state: str = "waiting"

    @property
    def checkpoint(self) -> Path:
        """Where the job saves its state, if it is one that does."""
        output = self.outputs[0]
        return output.parent / f".{output.stem}.checkpoint"

    def progress(self) -> str:
        """The last line of progress in the log, without the name of the job; empty where there is none."""
        found = list(_PROGRESS.finditer(_text(self.log)))
        return found[-1]["where"] if found else ""

    def last_words(self, lines: int = 5) -> list[str]:
        """The end of the log."""
        return [line for line in _text(self.log).splitlines() if line.strip()][-lines:]


def jobs(summary: str, folder: Path) -> list[Job]:
    """The jobs in the output of ``snakemake --summary``, run in ``folder``, in its order; each with its state."""
    table = csv.DictReader(summary.splitlines(), delimiter="\t")
    found: dict[tuple[str, Path], Job] = {}
    for row in table:
        path = Path(row["output_file"])
        log = _log_of(path)
        job = found.setdefault((row["rule"], log), Job(row["rule"], _name(log), folder / log))
        job.outputs.append(folder / path)
        job.pending |= row["plan"] != "no update"
        if row["plan"] != "no update" and not job.reason:
            # Nothing changed in the job itself.
            job.reason = "inputs to be made anew" if row["status"] == "ok" else row["status"]
    run = _Run(folder)
    for job in found.values():
        job.state = _state(job, run) if job.pending else "done"
    return list(found.values())


def left(known: Iterable[Job]) -> float | None:
    """Seconds that the jobs to come would take one after the other, each like the finished ones of its rule.

    None where a rule has no finished job to judge by.
    """
    took: dict[str, list[float]] = {}
    for job in known:
        if (used := usage.read(job.log)) is not None:
            took.setdefault(job.rule, []).append(used.seconds)
    total = 0.0
    for job in known:
        if job.state != "done":
            if job.rule not in took:
                return None
            total += sum(took[job.rule]) / len(took[job.rule])
    return total


class _Run:
    """What a Snakemake at work in ``folder`` has left there: since when it holds its lock, and which jobs it saw fail."""

    def __init__(self, folder: Path) -> None:
        hidden = folder / ".snakemake"
        self.since = min((path.stat().st_mtime for path in _files(hidden / "locks")), default=None)
        # Every call of Snakemake begins a log, the one that asks for the summary, too.
        told = [] if self.since is None else _files(hidden / "log")
        recent = [path for path in told if path.stat().st_mtime >= self.since]
        self.failed = {folder / log for path in recent for log in _FAILED.findall(_text(path))}


def _state(job: Job, run: _Run) -> str:
    if job.checkpoint.is_dir():
        if _at_work(job.checkpoint, job.log):
            return "running"
        if run.since is None:
            return "stopped"
    if not job.log.exists() or all(path.exists() for path in job.outputs):
        return "waiting"
    if job.log in run.failed or run.since is None:
        return "failed"
    return "running" if job.log.stat().st_mtime >= run.since else "waiting"


def _at_work(checkpoint: Path, log: Path) -> bool:
    """Whether the process that the lock names lives; of one on another machine the log tells, which it writes to."""
    process, _, host = _text(checkpoint / "lock").strip().partition(" on ")
    if not process.isdigit():
        return False
    if host != os.uname().nodename:
        return log.exists() and time.time() - log.stat().st_mtime < _SILENT
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _log_of(output: Path) -> Path:
    """``results/default/data/mnist.nc`` is told about in ``results/default/logs/data/mnist.log``."""
    results, rest = Path(*output.parts[:2]), Path(*output.parts[2:])
    if rest.parts[:1] == ("report",):
        return results / "logs/report.log"
    return results / "logs" / rest.with_name(rest.name.removesuffix(rest.suffix) + ".log")


def _name(log: Path) -> str:
    inside = log.parts[3:]
    return str(Path(*(inside[1:] if len(inside) > 1 else inside))).removesuffix(".log")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else iter(())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
