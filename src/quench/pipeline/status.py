"""Progress of a workflow, from Snakemake's list of its jobs, their logs and their checkpoints."""

from __future__ import annotations

import csv
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from quench.pipeline.stages import log_of
from quench.runtime import usage
from quench.runtime.progress import LOG_EVERY_SECONDS
from quench.store.archive import SUMS

STATES = ("done", "running", "failed", "stopped", "waiting", "deleted")
_PROGRESS = re.compile(r"^.*: (?P<where>.*step [\d,]+ of [\d,]+.* left)$", re.MULTILINE)
_FAILED = re.compile(r"^Error in rule \w+:\n(?:[ \t]+.*\n)*?[ \t]+log: (?P<log>\S+)", re.MULTILINE)
# Seconds without a line in its log after which a job on another machine counts as stopped.
_SILENT = 4 * LOG_EVERY_SECONDS


@dataclass
class TrackedJob:
    """One job of the workflow: its rule, its files, and whether one is missing and whether Snakemake would run it."""

    rule: str
    name: str
    log: Path
    outputs: list[Path] = field(default_factory=list)
    pending: bool = False
    missing: bool = False
    reason: str = ""
    state: str = "waiting"

    @property
    def checkpoint(self) -> Path:
        """Folder of its checkpoint, if it writes one."""
        output = self.outputs[0]
        return output.parent / f".{output.stem}.checkpoint"

    def progress(self) -> str:
        """The last line of progress in the log, without the name of the job; empty where there is none."""
        found = list(_PROGRESS.finditer(_text(self.log)))
        return found[-1]["where"] if found else ""

    def last_words(self, lines: int = 5) -> list[str]:
        """The last lines of the log."""
        return [line for line in _text(self.log).splitlines() if line.strip()][-lines:]


def tracked(summary: str, folder: Path) -> list[TrackedJob]:
    """The jobs in the output of ``snakemake --summary``, run in ``folder``, in its order; each with its state."""
    table = csv.DictReader(summary.splitlines(), delimiter="\t")
    found: dict[tuple[str, Path], TrackedJob] = {}
    for row in table:
        path = Path(row["output_file"])
        log = _log_of(path)
        job = found.setdefault((row["rule"], log), TrackedJob(row["rule"], _name(log), folder / log))
        job.outputs.append(folder / path)
        job.pending |= row["plan"] != "no update"
        job.missing |= row["status"] == "missing"
        if row["plan"] != "no update" and not job.reason:
            # The job itself is unchanged.
            job.reason = "inputs to be made again" if row["status"] == "ok" else row["status"]
    run = _Run(folder)
    for job in found.values():
        if job.pending:
            job.state = _state(job, run)
        else:
            # What a missing file was needed for is up to date; beside an unpacked archive it never existed.
            unpacked = folder / Path(*job.outputs[0].relative_to(folder).parts[:2]) / SUMS
            job.state = "deleted" if job.missing and not unpacked.exists() else "done"
    return list(found.values())


def left(known: Iterable[TrackedJob]) -> float | None:
    """Seconds that the remaining jobs would take one after the other, each as long as the finished ones of its rule.

    None where a rule has no finished job.
    """
    took: dict[str, list[float]] = {}
    for job in known:
        if (used := usage.read(job.log)) is not None:
            took.setdefault(job.rule, []).append(used.seconds)
    total = 0.0
    for job in known:
        if job.state not in ("done", "deleted"):
            if job.rule not in took:
                return None
            total += sum(took[job.rule]) / len(took[job.rule])
    return total


class _Run:
    """State of a Snakemake that runs in ``folder``: the time of its lock, and the jobs that it reports as failed."""

    def __init__(self, folder: Path) -> None:
        hidden = folder / ".snakemake"
        since = min((path.stat().st_mtime for path in _files(hidden / "locks")), default=None)
        # Every call of Snakemake starts a log, including the one for the summary.
        logs = [] if since is None else _files(hidden / "log")
        recent = [path for path in logs if since is not None and path.stat().st_mtime >= since]
        self.since = since
        self.failed = {folder / log for path in recent for log in _FAILED.findall(_text(path))}


def _state(job: TrackedJob, run: _Run) -> str:
    if job.checkpoint.is_dir():
        if _at_work(job.checkpoint, job.log):
            return "running"
        # Its next try resumes from what it has saved.
        if run.since is None or (job.log in run.failed and any(job.checkpoint.glob("state-*.bin"))):
            return "stopped"
    if not job.log.exists() or all(path.exists() for path in job.outputs):
        return "waiting"
    if job.log in run.failed or run.since is None:
        return "failed"
    return "running" if job.log.stat().st_mtime >= run.since else "waiting"


def _at_work(checkpoint: Path, log: Path) -> bool:
    """Whether the process in the lock is alive; on another machine, whether its log has recent lines."""
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
    """Log of the job that makes ``results/default/data/mnist.nc``: ``results/default/logs/data/mnist.log``."""
    return Path(*output.parts[:2]) / log_of(Path(*output.parts[2:]).as_posix())


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
