"""Append-only files of rows of one length: an append costs what is new, whatever the file already holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


def append(descriptor: int, end: int, pieces: Sequence[bytes | memoryview]) -> int:
    """Write ``pieces`` at byte ``end`` of an open file, in place of what a broken append left there; return the new end.

    Raises ``OSError`` where the disk takes less than all of them. The end is then still the old one.
    """
    os.ftruncate(descriptor, end)
    left = [memoryview(piece).cast("B") for piece in pieces]
    while left:
        written = os.pwritev(descriptor, left, end)
        end += written
        # Rarely not all at once: a signal, more than 2 GB, or a disk that is nearly full.
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]
    return end


def read(file: Path | BinaryIO, row: np.dtype[Any], start: int, count: int) -> np.ndarray:
    """``count`` rows of type ``row`` from byte ``start`` of ``file`` on; they stay on disk until used."""
    return np.memmap(file, row, "r", start, (count,)) if count else np.empty(0, row)
