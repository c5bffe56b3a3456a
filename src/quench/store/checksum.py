"""Checksums: of datasets, and one at the end of a file, by which a reader finds damage anywhere before it.

NetCDF-4 readers know where their data end and ignore what follows.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quench.errors import QuenchError

if TYPE_CHECKING:
    import xarray as xr

_PIECE = 1 << 24
_PATTERN = re.compile(rb"\nquench sha256 ([0-9a-f]{64})\n")
LENGTH = len(b"\nquench sha256 \n") + 64


def seal(path: Path) -> None:
    """Append the SHA-256 of the file at ``path`` to it."""
    digest = sha256(path)
    with open(path, "ab") as file:
        file.write(b"\nquench sha256 " + digest.encode() + b"\n")


def check(path: Path) -> bool:
    """Whether the file at ``path`` has a checksum at its end.

    Raises ``QuenchError`` where the checksum does not match the bytes, ``OSError`` where they cannot be read.
    """
    size = path.stat().st_size - LENGTH
    if size < 0:
        return False
    with open(path, "rb") as file:
        file.seek(size)
        found = _PATTERN.fullmatch(file.read())
    if found is None:
        return False
    if sha256(path, size).encode() != found[1]:
        raise QuenchError(f"{path}: damaged: its bytes are not those that were written (checksum)")
    return True


def sha256(path: Path, size: int | None = None) -> str:
    """SHA-256 of the first ``size`` bytes of the file at ``path``, or of all of them; hexadecimal."""
    digest = hashlib.sha256()
    left = path.stat().st_size if size is None else size
    with open(path, "rb") as file:
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def content_key(dataset: xr.Dataset) -> str:
    """SHA-256 of the values of all variables in ``dataset``, by name; hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        digest.update(name.encode() + np.ascontiguousarray(dataset[name].values).tobytes())
    return digest.hexdigest()
