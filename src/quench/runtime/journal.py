"""Append-only file for snapshots, so that a checkpoint writes only the new rows."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TypedDict

import numpy as np

from quench.runtime import rows

_PIECE = 1 << 24


class Mark(TypedDict):
    """The length of a journal and the SHA-256 of that much of it."""

    rows: int
    bytes: int
    sha256: str


class Journal:
    """Rows of float64 numbers, all of one length, in the file at ``path``.

    ``mark()`` covers every row so far, and ``rewind(mark)`` trusts only rows that the mark covers. A mark must be saved
    after ``append`` has returned: the rows are on disk by then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_rows = self.size = 0
        self._digest = hashlib.sha256()

    def append(self, new: np.ndarray) -> None:
        """Add the rows ``new`` (row, ...) after the existing ones."""
        if len(new) == 0:
            return
        content = np.ascontiguousarray(new, dtype=np.float64).data.cast("B")
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            size = rows.append(file.fileno(), self.size, [content])
            os.fsync(file.fileno())
        self._digest.update(content)
        self.size = size
        self.n_rows += len(new)

    def mark(self) -> Mark:
        """The rows so far, for a later ``rewind``; plain values for JSON."""
        return {"rows": self.n_rows, "bytes": self.size, "sha256": self._digest.hexdigest()}

    def rewind(self, mark: Mark) -> np.ndarray | None:
        """The rows that ``mark`` covers, float64 (row, value), read from disk as used; None if any of them is damaged."""
        size, digest = mark["bytes"], hashlib.sha256()
        if size:
            if not self.path.exists() or self.path.stat().st_size < size:
                return None
            with open(self.path, "rb") as file:
                left = size
                while left:
                    piece = file.read(min(_PIECE, left))
                    digest.update(piece)
                    left -= len(piece)
        if digest.hexdigest() != mark["sha256"]:
            return None
        self.n_rows, self.size, self._digest = mark["rows"], size, digest
        width = size // 8 // self.n_rows if size else 0
        return rows.read(self.path, np.dtype((np.float64, (width,))), 0, self.n_rows)
