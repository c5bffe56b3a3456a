"""A lock that ends with the process that holds it, so that none is left behind by a kill."""

from __future__ import annotations

import contextlib
import fcntl
from typing import IO


def lock(file: int | IO[bytes]) -> bool:
    """Lock an open file for this process until the file is closed; False if another process holds the lock.

    True on a file system without locks, where nothing is held.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def unlock(file: int | IO[bytes]) -> None:
    """Release the lock of an open file at once, also for forked processes that hold the file open."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
