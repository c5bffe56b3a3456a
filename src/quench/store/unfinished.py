"""A recording on its way: snapshots appended one by one to a file that outlives its writer, whenever that is killed.

The file holds a header (one line of JSON) and rows of one length: time, loss and weights of every network, and their
checksum. A row that was cut short or damaged ends the file; the rows before it are believed.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.store import files

SUFFIX = ".part"
# What stands in a recording's file where others have the fingerprint of the code that made them.
CODE = "recorded"
_MAGIC = b"quench recording 1\n"
_SYNC_SECONDS = 30.0


def beside(path: str | Path) -> Path:
    """Where the snapshots wait until the file ``path`` can be written."""
    path = Path(path)
    return path.with_name(path.name + SUFFIX)


def is_partial(path: str | Path) -> bool:
    """Whether the file at ``path`` is a recording on its way."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


class Partial:
    """The recording at ``path``, open for writing to this process alone. Times of the snapshots in it: ``times``.

    ``header`` holds ``seeds`` (network), ``layers`` ([name, size] of every recorded tensor), ``dtype``, ``n_weights`` (of
    a network, as recorded), ``index`` (their places among all weights, or None for all) and ``config``. With ``after``
    the file must be there already, under the same header, and its snapshots later than ``after`` are dropped.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], after: int | None = None) -> None:
        self.path = path
        header = files.plain(header)
        self._row_bytes = _row_type(header).itemsize
        self._synced, self._told = time.monotonic(), False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what was appended is out of this process, so that its end loses nothing.
        self._file = open(path, "x+b" if after is None else "r+b", buffering=0)  # noqa: SIM115
        try:
            self._start, self.times = self._begin(header) if after is None else self._go_on(header, after)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, header: Mapping[str, Any]) -> tuple[int, list[int]]:
        self._lock()
        return self._file.write(_MAGIC + json.dumps(header).encode() + b"\n"), []

    def _go_on(self, header: Mapping[str, Any], after: int) -> tuple[int, list[int]]:
        self._lock()
        found, rows, start = _load(self.path)
        different = [key for key in header if found.get(key) != header[key]]
        if different:
            raise QuenchError(f"{self.path}: was recorded with other {different[0]}; a recording goes on as it began")
        kept = [int(moment) for moment in rows["time"] if moment <= after]
        os.ftruncate(self._file.fileno(), start + len(kept) * self._row_bytes)
        return start, kept

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QuenchError(f"{self.path}: another process is recording to this file") from None
        except OSError:
            pass  # A file system without locks.

    def append(self, moment: int, losses: np.ndarray, weights: np.ndarray) -> None:
        """Add the configuration ``weights`` (network, weight) after ``moment`` updates, with the ``losses`` (network).

        A full disk must not end anybody's training: the snapshot is left out then, and the first such is told on stderr.
        """
        head = np.int64(moment).tobytes() + np.asarray(losses, np.float64).tobytes()
        body = memoryview(np.ascontiguousarray(weights)).cast("B")
        check = zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little")
        assert len(head) + len(body) + len(check) == self._row_bytes
        try:
            self._write([head, body, check], self._start + len(self.times) * self._row_bytes)
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            if not self._told:
                reason = error.strerror or error
                print(f"quench: {self.path}: no snapshot at {moment} ({reason}); training goes on", file=sys.stderr)
            self._told = True
            return
        self.times.append(moment)

    def _write(self, pieces: list[bytes | memoryview], place: int) -> None:
        written = os.pwritev(self._file.fileno(), pieces, place)
        if written < self._row_bytes:  # Rare: a signal, or a disk that is nearly full.
            left = memoryview(b"".join(pieces))
            while written < self._row_bytes:
                written += os.pwritev(self._file.fileno(), [left[written:]], place + written)

    def close(self) -> None:
        """What was appended is on disk, and other processes may write to the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


def read(path: str | Path) -> xr.Dataset:
    """The recording at ``path`` as far as it goes, by the ``snapshots`` contract; ``weights`` stay on disk until used."""
    header, rows, _ = _load(Path(path))
    if not len(rows):
        raise QuenchError(f"{path}: holds no snapshot yet")
    names, sizes = zip(*header["layers"], strict=True)
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    layer = np.repeat([modules.index(name.rpartition(".")[0]) for name in names], sizes).astype(np.int16)
    weights, moments = rows["weights"].swapaxes(0, 1), rows["time"]
    # One snapshot at a time: all at once may be larger than memory.
    lost = np.array([~np.isfinite(weights[:, look]).all(axis=1) for look in range(len(rows))])
    first_lost = np.where(lost.any(axis=0), moments[lost.argmax(axis=0)], -1)
    variables = {
        "weights": files.described(weights, ("network", "time", "weight"), "weights"),
        "loss": files.described(
            rows["loss"].T, ("network", "time"), "loss as the training loop told it; NaN: not told"
        ),
    }
    coords = {
        "time": files.described(moments, ("time",), "updates since the start of this dynamics", "updates"),
        "layer": files.layers(
            layer if header["index"] is None else layer[header["index"]],
            flag_values=np.arange(len(modules), dtype=np.int16),
            flag_meanings=" ".join(module or "model" for module in modules),
        ),
        "seed": files.described(np.array(header["seeds"], np.int64), ("network",), "seed of each network"),
        "diverged_at": files.described(
            first_lost.astype(np.int64),
            ("network",),
            "updates after which a weight was first seen not to be finite; -1: never",
            "updates",
        ),
    }
    if header["index"] is not None:
        coords["weight"] = files.described(header["index"], ("weight",), "place among all weights of the network")
    config = json.dumps(header["config"], sort_keys=True)
    return xr.Dataset(variables, coords, {"kind": "snapshots", "config": config, "code_fingerprint": CODE})


def _load(path: Path) -> tuple[dict[str, Any], np.ndarray, int]:
    """Header, believed rows, and where the rows start."""
    with open(path, "rb") as file:
        magic, line = file.read(len(_MAGIC)), file.readline()
        start = file.tell()
    if magic != _MAGIC or not line.endswith(b"\n"):
        raise QuenchError(
            f"{path}: not a recording, or cut short before its first snapshot; delete it and record again"
        )
    header = json.loads(line)
    row = _row_type(header)
    count = (path.stat().st_size - start) // row.itemsize
    if not count:
        return header, np.empty(0, row), start
    rows = np.memmap(path, row, "r", start, (count,))
    content = np.memmap(path, np.uint8, "r", start, (count, row.itemsize))
    whole = [zlib.crc32(one[:-4]) == check for one, check in zip(content, rows["check"], strict=True)]
    return header, rows[: whole.index(False) if False in whole else count], start


def _row_type(header: Mapping[str, Any]) -> np.dtype:
    networks = len(header["seeds"])
    weights = np.dtype(header["dtype"]).newbyteorder("<")
    return np.dtype(
        [
            ("time", "<i8"),
            ("loss", "<f8", (networks,)),
            ("weights", weights, (networks, header["n_weights"])),
            ("check", "<u4"),
        ]
    )
