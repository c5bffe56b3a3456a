"""The scenario, rules and code that a workflow started with, to which all its jobs are held.

Snakemake's record of a result describes what the main process knew. But a cluster job reads configuration and rules anew
when it starts, maybe days later, and every job imports the code then. So the main process records what it started with.
Cluster jobs take the scenario from that record, whatever the files contain by then, and a job refuses to run with other
rules or with other code.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from quench.errors import QuenchError
from quench.provenance.fingerprint import fingerprint
from quench.runtime.atomic import atomic

# The path of the record, which every job inherits; unset where no main process is running.
VARIABLE = "QUENCH_SUBMISSION"


class Submission(TypedDict):
    """A scenario as plain values, a hash of the rules, and the fingerprint of each module of the package."""

    scenario: dict[str, object]
    rules: str
    code: dict[str, str]


def record(
    folder: str | Path, scenario: Mapping[str, object], rules: str, code: Mapping[str, str], days: float
) -> Path:
    """Write the submission to ``folder``, announce it to all processes started from now on, and return its path.

    It is named by its content, so jobs of an earlier main process keep theirs. Submissions older than ``days`` are removed.
    """
    content = json.dumps({"scenario": scenario, "rules": rules, "code": dict(code)}, sort_keys=True)
    path = Path(folder) / ".submissions" / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    with atomic(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
    for old in path.parent.glob("*.json"):
        if old.stat().st_mtime < time.time() - 86400 * days:
            old.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(path)
    read.cache_clear()
    return path


@functools.cache
def read() -> Submission | None:
    """The submission that this process belongs to; None for a command by hand, and where sources travel with the job."""
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).exists():
        return None
    submitted: Submission = json.loads(Path(path).read_text(encoding="utf-8"))
    return submitted


def rules_hash(paths: Iterable[str | Path]) -> str:
    """Sixteen hexadecimal digits over the text of the rules."""
    digest = hashlib.sha256()
    for path in sorted(map(str, paths)):
        digest.update(Path(path).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def check_rules(found: str) -> None:
    """Raise ``QuenchError`` where the job was submitted with rules of another hash than ``found``."""
    submitted = read()
    if submitted and submitted["rules"] != found:
        raise QuenchError("the rules were edited while jobs of this workflow were running; start the workflow again")


def check_code(*modules: str) -> None:
    """Raise ``QuenchError`` where the job was submitted with another version of ``modules``, or of what they import."""
    submitted = read()
    code = submitted["code"] if submitted else {}
    for module in modules:
        if code.get(module, fingerprint(module)) != fingerprint(module):
            raise QuenchError(
                f"{module}, or a module that it imports, was edited while jobs of this workflow were running;"
                " start the workflow again"
            )
