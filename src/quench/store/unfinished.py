"""An unfinished recording that stays readable if the process is killed: snapshots appended to a file one by one.

The file holds a header (one line of JSON) and rows of one length: time, loss and weights of every network, and the
checksum of these. The rows end at the first one that is cut short or damaged.
"""

from __future__ import annotations

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
from quench.runtime import rows
from quench.runtime.locks import lock
from quench.store import files

SUFFIX = ".part"
# The code fingerprint of a recording, whose weights come from code of other projects.
CODE = "recorded"
_MAGIC = files.RECORDING + b"1\n"
_SYNC_SECONDS = 30.0


def part_path(path: str | Path) -> Path:
    """The path of the unfinished recording of the file ``path``."""
    path = Path(path)
    return path.with_name(path.name + SUFFIX)


def is_unfinished(path: str | Path) -> bool:
    """Whether the file at ``path`` is an unfinished recording."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


class Writer:
    """The unfinished recording at ``path``, opened for writing by this process alone; ``times`` of its snapshots.

    ``header`` holds ``seeds`` (network), ``layers`` ([name, size] of every recorded tensor), ``dtype``, ``n_weights``
    (recorded weights per network), ``index`` (their places among all weights, or None for all) and ``config``. With
    ``after`` the file must exist with the same header, and its snapshots later than ``after`` are removed.

    Raises ``QuenchError`` where another process writes to the file or its header is another one.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], after: int | None = None) -> None:
        self.path = path
        header = files.plain(header)
        self._row_bytes = _row_type(header).itemsize
        self._synced, self._reported = time.monotonic(), False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: an appended snapshot has left this process, so the end of the process cannot lose it.
        self._file = open(path, "x+b" if after is None else "r+b", buffering=0)  # noqa: SIM115
        try:
            if not lock(self._file):
                raise QuenchError(f"{path}: another process is recording to this file")
            self._start, self.times = self._create(header) if after is None else self._resume(header, after)
        except BaseException:
            self._file.close()
            raise

    def _create(self, header: Mapping[str, Any]) -> tuple[int, list[int]]:
        return self._file.write(_MAGIC + json.dumps(header).encode() + b"\n"), []

    def _resume(self, header: Mapping[str, Any], after: int) -> tuple[int, list[int]]:
        found, recorded, start = _load(self.path)
        different = [key for key in header if found.get(key) != header[key]]
        if different:
            raise QuenchError(
                f"{self.path}: recorded with another value of {different[0]}; resume with the same settings"
            )
        kept = [int(moment) for moment in recorded["time"] if moment <= after]
        os.ftruncate(self._file.fileno(), start + len(kept) * self._row_bytes)
        return start, kept

    def append(self, moment: int, losses: np.ndarray, weights: np.ndarray) -> None:
        """Add a snapshot: the ``weights`` (network, weight) after ``moment`` updates, and the ``losses`` (network).

        A full disk must not end the training: the snapshot is left out, and the first one is reported on stderr.
        """
        head = np.int64(moment).tobytes() + np.asarray(losses, np.float64).tobytes()
        body = np.ascontiguousarray(weights).data.cast("B")
        check = zlib.crc32(body, zlib.crc32(head)).to_bytes(4, "little")
        assert len(head) + len(body) + len(check) == self._row_bytes
        try:
            rows.append(self._file.fileno(), self._start + len(self.times) * self._row_bytes, [head, body, check])
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            if not self._reported:
                reason = error.strerror or error
                print(f"quench: {self.path}: no snapshot at {moment} ({reason}); training continues", file=sys.stderr)
            self._reported = True
            return
        self.times.append(moment)

    def close(self) -> None:
        """Wait until all snapshots are on disk, and let other processes write to the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


def read(path: str | Path) -> xr.Dataset:
    """The snapshots recorded so far, by the ``snapshots`` contract; ``weights`` stay on disk until used."""
    header, recorded, _ = _load(Path(path))
    if not len(recorded):
        raise QuenchError(f"{path}: holds no snapshot yet")
    names, sizes = zip(*header["layers"], strict=True)
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    layer = np.repeat([modules.index(name.rpartition(".")[0]) for name in names], sizes).astype(np.int16)
    weights, moments = recorded["weights"].swapaxes(0, 1), recorded["time"]
    # One snapshot at a time: all of them may be larger than memory.
    diverged = np.array([~np.isfinite(weights[:, number]).all(axis=1) for number in range(len(recorded))])
    diverged_at = np.where(diverged.any(axis=0), moments[diverged.argmax(axis=0)], -1)
    variables = {
        "weights": files.described(weights, ("network", "time", "weight"), "weights"),
        "loss": files.described(
            recorded["loss"].T, ("network", "time"), "loss as the training loop told it; NaN: not told"
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
            diverged_at.astype(np.int64),
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
    """The header, the intact rows, and the byte at which the rows start."""
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
    recorded = rows.read(path, row, start, count)
    content = rows.read(path, np.dtype((np.uint8, (row.itemsize,))), start, count)
    intact = [zlib.crc32(one[:-4]) == check for one, check in zip(content, recorded["check"], strict=True)]
    return header, recorded[: intact.index(False) if False in intact else count], start


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
