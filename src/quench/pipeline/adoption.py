"""Records of results that Snakemake did not see made: the files of ``quench adopt``, and those that it refused."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

# The path of a list of refused files, one a line; set only while Snakemake writes its records for ``quench adopt``.
VARIABLE = "QUENCH_REFUSED"


@functools.cache
def refused() -> frozenset[str]:
    """Files that are recorded as made by other code, so that the next call of Snakemake makes them again."""
    path = os.environ.get(VARIABLE)
    return frozenset(Path(path).read_text(encoding="utf-8").splitlines()) if path else frozenset()


def remove_unreadable(hidden: Path) -> None:
    """Remove the records below ``hidden`` that are not JSON objects: Snakemake reads a record before it replaces it."""
    for path in (path for folder in ("metadata", "incomplete") for path in (hidden / folder).rglob("*")):
        if path.is_file() and not _is_object(path):
            path.unlink()


def _is_object(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False
