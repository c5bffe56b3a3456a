"""What a workflow holds its jobs to: scenario, rules and code as they were when its main process started.

Snakemake's record of a result tells what the main process knew. But a cluster job reads configuration and rules anew when
it starts, maybe days later, and every job imports the code then. So the main process writes down what it goes by; cluster
jobs take the scenario from there, whatever the files say by now, and no job works with other rules or other code.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quench.errors import QuenchError
from quench.runtime.atomic import atomic

# Inherited by every job: where the submission is written. Absent where no main process is at work.
VARIABLE = "QUENCH_SUBMISSION"


def record(folder: str | Path, scenario: Mapping[str, Any], rules: str, code: Mapping[str, str], days: float) -> Path:
    """Write the submission down, tell all processes started from now on of it, and return its place.

    It is named by its content, so that jobs of an earlier main process keep theirs; those older than ``days`` go.
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
def read() -> dict[str, Any] | None:
    """The submission that this process belongs to; None by hand, and where sources travel with the job."""
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).exists():
        return None
    return json.loads(Path(path).read_text(encoding="utf-8"))


def rules_hash(paths: Iterable[str | Path]) -> str:
    """Sixteen hexadecimal digits over the text of the rules."""
    digest = hashlib.sha256()
    for path in sorted(map(str, paths)):
        digest.update(Path(path).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def check_rules(found: str) -> None:
    """Raise ``QuenchError`` where the rules are others than those that the job was submitted with."""
    submitted = read()
    if submitted and submitted["rules"] != found:
        raise QuenchError("rules were edited while this workflow's jobs were under way; start the workflow again")


def check_code(module: str, found: str) -> None:
    """Raise ``QuenchError`` where ``module``, or what it imports, is not what the job was submitted with."""
    submitted = read()
    if submitted and submitted["code"].get(module, found) != found:
        raise QuenchError(
            f"{module}, or what it imports, was edited while this workflow's jobs were under way; start the workflow again"
        )
