"""Files that are complete or absent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path``, moved onto it when the block ends without an error and the bytes are on disk."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(path: str | Path) -> None:
    """Remove the temporary files of ``path`` that killed processes left; for a caller that is its only writer."""
    path = Path(path)
    if path.parent.is_dir():
        for entry in path.parent.iterdir():
            process = entry.name.removeprefix(f".{path.stem}.").removesuffix(path.suffix)
            if process.isdigit() and entry.name == f".{path.stem}.{process}{path.suffix}":
                entry.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until what was written to ``path``, a file or a folder, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
