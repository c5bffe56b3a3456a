"""What only ever grows (snapshots) goes to an append-only file: saving costs what is new, not all there is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

_PIECE = 1 << 24


class Journal:
    """Rows of float64 numbers, all of one length, in the file at ``path``.

    ``mark()`` vouches for every row so far; ``rewind(mark)`` believes no row that it does not vouch for. Whoever keeps a
    mark must write it after ``append`` has returned: the rows are on disk by then.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_rows = self.size = 0
        self._digest = hashlib.sha256()

    def append(self, rows: np.ndarray) -> None:
        """Add ``rows`` (row, ...) after the ones that are there; whatever a broken append left behind is cut off."""
        if len(rows) == 0:
            return
        content = memoryview(np.ascontiguousarray(rows, dtype=np.float64)).cast("B")
        with open(self.path, "r+b" if self.path.exists() else "w+b") as file:
            file.seek(self.size)
            file.truncate()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        self._digest.update(content)
        self.size += len(content)
        self.n_rows += len(rows)

    def mark(self) -> dict[str, Any]:
        """How much there is, and its checksum; plain values for JSON."""
        return {"rows": self.n_rows, "bytes": self.size, "sha256": self._digest.hexdigest()}

    def rewind(self, mark: dict[str, Any]) -> np.ndarray | None:
        """The rows that ``mark`` vouches for, float64 (row, value), read from disk as used; None if they are not whole."""
        size, digest = mark["bytes"], hashlib.sha256()
        if size and (not self.path.exists() or self.path.stat().st_size < size):
            return None
        if size:
            with open(self.path, "rb") as file:
                left = size
                while left:
                    piece = file.read(min(_PIECE, left))
                    digest.update(piece)
                    left -= len(piece)
        if digest.hexdigest() != mark["sha256"]:
            return None
        self.n_rows, self.size, self._digest = mark["rows"], size, digest
        if not size:
            return np.empty((self.n_rows, 0))
        return np.memmap(self.path, dtype=np.float64, mode="r", shape=(self.n_rows, size // 8 // self.n_rows))
