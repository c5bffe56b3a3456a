"""Files that are complete or absent."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from quench.errors import QuenchError


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``target(path)``, moved onto it when the block ends without an error, once it is on disk."""
    path, final = Path(path), target(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers choose their format by it.
    temporary = final.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, final)
        sync(final.parent)
    finally:
        temporary.unlink(missing_ok=True)


def target(path: str | Path) -> Path:
    """The absolute path of the file that is written for ``path``: ``~`` is expanded, and links stay and are followed.

    Raises ``QuenchError`` for an existing path that is no plain file, such as a folder, a pipe or a device.
    """
    path = Path(os.path.expanduser(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(path))
    if stat.S_ISDIR(mode):
        raise QuenchError(f"{path}: is a folder; name a file")
    if not stat.S_ISREG(mode):
        raise QuenchError(f"{path}: not a plain file, and cannot be replaced by one; name another output")
    return Path(os.path.realpath(path))


def remove_leftovers(path: str | Path) -> None:
    """Remove the temporary files of ``path`` that killed processes left; for a caller that is its only writer."""
    path, folder = Path(path), target(path).parent
    if folder.is_dir():
        for entry in folder.iterdir():
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
