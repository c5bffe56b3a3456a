"""A SLURM cluster as its commands describe it, and the lengths of jobs that suit its time limit."""

from __future__ import annotations

import getpass
import math
import re
import shutil
import subprocess
from dataclasses import dataclass, field

from quench.cost.work import MARGIN, SPARE_MINUTES
from quench.errors import QuenchError, nearest

# Target duration of a job where the limit allows it, as in config/paper.yaml: long beside the 40 s that a job costs.
TARGET_MINUTES = 45
# Seconds between two questions for the state of jobs in the profile, and how many of them a finished job must be known for.
POLL_SECONDS, POLLS = 30, 3


@dataclass
class Site:
    """``account``: whether accounts can be checked, without which the plugin refuses any; ``sacct``: whether the cluster
    has accounting; ``notes``: a line for all that could not be checked, or needs attention."""

    account: bool = False
    sacct: bool = False
    notes: list[str] = field(default_factory=list)


def lengths(hours: float) -> dict[str, int]:
    """``limit_minutes``, and ``job_minutes`` with which a job whose time is predicted correctly ends in its first try.

    A job of m minutes requests ``MARGIN`` m + ``SPARE_MINUTES``. Raises ``QuenchError`` for a limit below that of a
    job of one minute.
    """
    limit = math.floor(60 * hours)
    longest = math.floor((limit - SPARE_MINUTES) / MARGIN)
    if longest < 1:
        raise QuenchError(f"--hours: {hours:g} is too short; at least {(MARGIN + SPARE_MINUTES) / 60:.2g}")
    return {"job_minutes": min(TARGET_MINUTES, longest), "limit_minutes": limit}


def ask(account: str | None, partition: str | None, minutes: int) -> Site:
    """Ask the cluster for its partitions, accounts and memory of finished jobs, and whether it takes a job of ``minutes``.

    Raises ``QuenchError`` where it refuses one; a command that does not answer becomes a note.
    """
    site = Site()
    _check_partition(site, partition, minutes)
    _check_account(site, account)
    _check_memory_of_jobs(site)
    named = [f"--{name}={value}" for name, value in (("account", account), ("partition", partition)) if value]
    status, told = _answer("sbatch", "--test-only", *named, f"--time={minutes}", "--wrap", "true")
    if status is None:
        site.notes.append("sbatch does not answer here: nothing was submitted as a test")
    elif status:
        raise QuenchError(f"sbatch refuses such jobs: {told.splitlines()[-1] if told else f'exit status {status}'}")
    return site


def profile(template: str, account: str | None, partition: str | None, site: Site) -> str:
    """The text of a profile: ``template`` with the lines that a site decides."""
    if account and site.account:
        template = _replaced(template, r"# slurm_account: .*", f"slurm_account: {account}")
    elif account:
        site.notes.append(f"the profile does not name the account {account}: the plugin ends where it cannot check one")
    if partition:
        template = _replaced(template, r"# slurm_partition: .*", f"slurm_partition: {partition}")
    if site.sacct:
        template = _replaced(template, r"slurm-status-command: .*", "slurm-status-command: sacct")
    return template


def _replaced(text: str, pattern: str, line: str) -> str:
    found, times = re.subn(pattern, lambda _: line, text)
    if times != 1:
        raise QuenchError(f"profiles/slurm/config.yaml: the line of {line.partition(':')[0]} is not there once")
    return found


def _check_partition(site: Site, partition: str | None, minutes: int) -> None:
    status, told = _answer("sinfo", "-h", "-o", "%P|%l")
    if status != 0:
        site.notes.append("sinfo does not answer here: partition and run time were not checked")
        return
    limits = dict(line.split("|") for line in told.split())
    known = {name.rstrip("*"): limit for name, limit in limits.items()}
    wanted = partition or next((name.rstrip("*") for name in limits if name.endswith("*")), None)
    if wanted is None:
        raise QuenchError(f"--partition: the cluster has no default; known: {', '.join(known)}")
    if wanted not in known:
        raise QuenchError(f"--partition: no {wanted!r}{nearest(wanted, known)}; known: {', '.join(known)}")
    limit = minutes_of(known[wanted])
    if minutes > limit:
        raise QuenchError(f"--hours: {minutes / 60:g} is more than the partition {wanted} allows, {limit / 60:g}")


def _check_account(site: Site, account: str | None) -> None:
    status, told = _answer(
        "sacctmgr", "-n", "-P", "show", "associations", f"user={getpass.getuser()}", "format=account"
    )
    known = sorted(set(told.split())) if status == 0 else []
    site.account = site.sacct = bool(known)
    if not known:
        site.notes.append(
            "sacctmgr does not answer here: the cluster has no accounting, and the account was not checked"
        )
    elif account and account.lower() not in map(str.lower, known):
        raise QuenchError(f"--account: no {account!r}{nearest(account, known)}; known: {', '.join(known)}")


def _check_memory_of_jobs(site: Site) -> None:
    """squeue must know a finished job until the main process has asked for it."""
    status, told = _answer("scontrol", "show", "config")
    found = re.search(r"^MinJobAge\s*=\s*(\d+)", told, flags=re.MULTILINE) if status == 0 else None
    if found and not site.sacct and int(found[1]) < POLLS * POLL_SECONDS:
        site.notes.append(
            f"squeue forgets finished jobs after {found[1]} s; set seconds-between-status-checks to {int(found[1]) // POLLS}"
        )


def minutes_of(limit: str) -> float:
    """Minutes of a time limit as SLURM prints it: ``infinite`` or ``[days-]hours:minutes:seconds`` without leading zeros."""
    if limit == "infinite":
        return math.inf
    days, _, clock = limit.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    seconds = sum(part * unit for part, unit in zip(reversed(parts), (1, 60, 3600), strict=False))
    return 1440 * int(days or 0) + seconds / 60


def _answer(*words: str) -> tuple[int | None, str]:
    """Exit status and output of a command of the cluster; None where it is not installed or does not end."""
    if not shutil.which(words[0]):
        return None, ""
    try:
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return None, ""
    return ended.returncode, (ended.stdout + ended.stderr).strip()
