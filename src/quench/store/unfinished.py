"""An unfinished recording that stays readable if the process is killed: snapshots appended to a file one by one.

The file holds a header (one line of JSON) and rows of one length: time, loss and weights of every network, the sum of the
noise where it is recorded, and the checksum of these. The rows end at the first one that is cut short or damaged.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
import textwrap
import time
import weakref
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.runtime import rows
from quench.runtime.locks import lock, unlock
from quench.store import files

SUFFIX = ".part"
# The code fingerprint of a recording, whose weights come from code of other projects.
CODE = "recorded"
_MAGIC = files.RECORDING + b"1\n"
_SYNC_SECONDS = 30.0
_WRITERS: weakref.WeakSet[Writer] = weakref.WeakSet()


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

    ``header`` holds ``seeds`` (network), ``layers`` ([name, size] of every recorded tensor), ``owners`` (the module of
    each of them), ``output_layer`` (one of these), ``dtype`` of the rows, ``dtype_of_weights`` (that of the model, which
    may be coarser), ``n_weights`` (recorded weights per network), ``index`` (their places among all weights, or None for
    all), ``times`` of the schedule and ``config``; ``noise`` is true where rows hold the sum of the noise. With ``after``
    the file must exist with the same header, and its snapshots later than ``after`` are removed. A file with snapshots is
    replaced with ``overwrite`` alone.

    Raises ``QuenchError`` while another recorder writes to the file, where its header or content does not allow this, and
    where it cannot be created.
    """

    def __init__(
        self, path: Path, header: Mapping[str, Any], *, after: int | None = None, overwrite: bool = False
    ) -> None:
        self.path = path
        header = files.plain(header)
        self._row_bytes = _row_type(header).itemsize
        self._synced, self._reported = time.monotonic(), False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _locked(path, os.O_RDWR | (os.O_CREAT if after is None else 0))
        except (OSError, ValueError) as error:
            raise QuenchError(f"{path}: cannot be recorded to ({getattr(error, 'strerror', None) or error})") from None
        _WRITERS.add(self)
        try:
            self._start, self.times = self._create(header, overwrite) if after is None else self._resume(header, after)
        except BaseException:
            self.close()
            raise

    def _create(self, header: Mapping[str, Any], overwrite: bool) -> tuple[int, list[int]]:
        if not overwrite and _holds_snapshots(self._file.fileno()):
            raise QuenchError(
                f"{self.path}: holds the snapshots of a run that did not end; resume it from your checkpoint (step=...),"
                " move it away, or pass overwrite=True"
            )
        try:
            if os.fstat(self._file.fileno()).st_size:
                # Whoever reads the old content keeps it.
                self.path.unlink()
                self._file.close()
                self._file = _locked(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            return rows.append(self._file.fileno(), 0, [_MAGIC + json.dumps(header).encode() + b"\n"]), []
        except OSError as error:
            self.close(remove=True)
            raise QuenchError(f"{self.path}: cannot be written ({error.strerror})") from None

    def _resume(self, header: Mapping[str, Any], after: int) -> tuple[int, list[int]]:
        found, recorded, start = _load(self._file.fileno(), self.path)
        # Earlier versions recorded less.
        recorded_as = {key: found.get(key, header[key]) for key in header} | {"noise": found.get("noise", False)}
        named = [{**one, "layers": dict(one["layers"])} for one in (recorded_as, {"noise": False, **header})]
        if difference := _difference(named[0], named[1]):
            raise QuenchError(f"{self.path}: {difference}; resume with the same settings")
        kept = [int(moment) for moment in recorded["time"] if moment <= after]
        os.ftruncate(self._file.fileno(), start + len(kept) * self._row_bytes)
        return start, kept

    def append(self, moment: int, losses: np.ndarray, weights: np.ndarray, noise: np.ndarray | None = None) -> None:
        """Add a snapshot: the ``weights`` (network, weight) after ``moment`` updates, and the ``losses`` (network).

        ``noise`` (network, weight), float64: the sum of the noise so far, where the header declares it.

        A full disk must not end the training: the snapshot is left out, and the first one is reported on stderr.
        """
        head = np.int64(moment).tobytes() + np.asarray(losses, np.float64).tobytes()
        body = [np.ascontiguousarray(one).data.cast("B") for one in (weights, noise) if one is not None]
        check = functools.reduce(lambda crc, part: zlib.crc32(part, crc), body, zlib.crc32(head)).to_bytes(4, "little")
        assert sum(map(len, (head, *body, check))) == self._row_bytes
        try:
            rows.append(self._file.fileno(), self._start + len(self.times) * self._row_bytes, [head, *body, check])
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

    def content(self) -> xr.Dataset:
        """The snapshots of this recording, whatever happened to its path; ``weights`` stay on disk until used."""
        return _dataset(*_load(self._file.fileno(), self.path)[:2])

    def close(self, remove: bool = False) -> None:
        """Wait until all snapshots are on disk, or ``remove`` the file, and let other recorders write to it."""
        if self._file.closed:
            return
        if not remove:
            os.fsync(self._file.fileno())
        elif _is_at(self._file, self.path):
            self.path.unlink()
        # Forked processes share the lock, and keep it while they live.
        unlock(self._file)
        self._file.close()


def header_of(path: str | Path) -> dict[str, Any]:
    """The header of the unfinished recording at ``path``."""
    return _load(path, path)[0]


def noise_at(path: str | Path, moment: int) -> np.ndarray | None:
    """The sum of the noise after ``moment`` updates, float64 (network, weight), where the recording at ``path`` holds it."""
    header, recorded, _ = _load(path, path)
    (places,) = np.nonzero(recorded["time"] == moment)
    return np.array(recorded["noise"][places[0]], np.float64) if header.get("noise") and places.size else None


def check_complete(path: Path, header: Mapping[str, Any]) -> None:
    """Raise ``QuenchError`` where the complete recording at ``path`` does not have the settings of ``header``."""
    with xr.open_dataset(path, engine="netcdf4", decode_times=False) as recorded:
        difference = _difference(files.config_of(recorded), header["config"], "config")
        times = recorded["time"].values.tolist()
    # Snapshots may be missing, but neither the last one nor others can be there.
    if not difference and (times[-1] != header["times"][-1] or not set(times) <= set(header["times"])):
        difference = f"it ends at update {times[-1]}, and the schedule at {header['times'][-1]}"
    if difference:
        raise QuenchError(f"{path}: already complete, but {difference}; record to another file")


def read(path: str | Path) -> xr.Dataset:
    """The snapshots recorded so far, by the ``snapshots`` contract; ``weights`` stay on disk until used."""
    header, recorded, _ = _load(path, path)
    if not len(recorded):
        raise QuenchError(f"{path}: holds no snapshot yet")
    return _dataset(header, recorded)


def _dataset(header: Mapping[str, Any], recorded: np.ndarray) -> xr.Dataset:
    weights, moments = recorded["weights"].swapaxes(0, 1), recorded["time"]
    # One snapshot at a time: all of them may be larger than memory.
    diverged = np.array([~np.isfinite(weights[:, number]).all(axis=1) for number in range(len(recorded))])
    diverged_at = np.where(diverged.any(axis=0), moments[diverged.argmax(axis=0)], -1)
    coarsest = header.get("dtype_of_weights", header["dtype"])
    by_weight = ("network", "time", "weight")
    variables = {
        "weights": files.described(weights, by_weight, "weights", dtype_of_weights=coarsest),
        "loss": files.described(
            recorded["loss"].T, ("network", "time"), "loss as the training loop reported it; NaN: not reported"
        ),
    }
    if header.get("noise"):
        label = "sum of the noise that the updates so far have added to each weight"
        variables["noise"] = files.described(recorded["noise"].swapaxes(0, 1), by_weight, label)
    coords = {
        "time": files.described(moments, ("time",), "updates since the start of this dynamics", "updates"),
        "layer": _layer(header),
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


def _layer(header: Mapping[str, Any]) -> xr.Variable:
    """The layer of each recorded weight, with the names of all layers and the number of the output layer."""
    names, sizes = zip(*header["layers"], strict=True)
    owners = header.get("owners") or [name.rpartition(".")[0] for name in names]
    modules = list(dict.fromkeys(owners))
    numbers = np.array([modules.index(owner) for owner in owners], np.int16)
    if header["index"] is None:
        layer = np.repeat(numbers, sizes)
    else:
        layer = numbers[np.searchsorted(np.cumsum(sizes), header["index"], side="right")]
    return files.layers(
        layer,
        flag_values=np.arange(len(modules), dtype=np.int16),
        flag_meanings=" ".join(module.replace(" ", "_") or "model" for module in modules),
        output_layer=np.int16(modules.index(header.get("output_layer", modules[-1]))),
    )


def _locked(path: Path, flags: int) -> BinaryIO:
    """The file at ``path``, opened and locked."""
    while True:
        # Unbuffered: an appended snapshot has left this process, so the end of the process cannot lose it.
        file = open(path, "r+b", buffering=0, opener=lambda name, _: os.open(name, flags, 0o666))  # noqa: SIM115
        if not lock(file):
            ours = any(not one._file.closed and _is_at(one._file, path) for one in _WRITERS)
            file.close()
            raise QuenchError(
                f"{path}: {'this' if ours else 'another'} process is recording to this file;"
                f" {'close() that recorder first' if ours else 'if several processes train one model, record in one'}"
            )
        if _is_at(file, path):
            return file
        # Its writer ended between the two calls, and removed it.
        file.close()


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open ``file`` still is the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _holds_snapshots(descriptor: int) -> bool:
    """Whether the open file holds more than the header of a recording."""
    with open(descriptor, "rb", closefd=False) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        magic, line = file.read(len(_MAGIC)), file.readline()
        if not line.endswith(b"\n"):
            return bool(magic) and magic != _MAGIC
        return magic != _MAGIC or size - file.tell() >= _row_type(json.loads(line)).itemsize


def _load(source: str | Path | int, path: str | Path) -> tuple[dict[str, Any], np.ndarray, int]:
    """The header, the intact rows, and the byte at which the rows start; ``source``: the path, or the open file itself."""
    with open(source, "rb", closefd=not isinstance(source, int)) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        magic, line = file.read(len(_MAGIC)), file.readline()
        start = file.tell()
        if magic != _MAGIC or not line.endswith(b"\n"):
            raise QuenchError(
                f"{path}: not a recording, or cut short before its first snapshot; delete it and record again"
            )
        header = json.loads(line)
        row = _row_type(header)
        count = (size - start) // row.itemsize
        recorded = rows.read(file, row, start, count)
        content = rows.read(file, np.dtype((np.uint8, (row.itemsize,))), start, count)
    intact = [zlib.crc32(one[:-4]) == check for one, check in zip(content, recorded["check"], strict=True)]
    return header, recorded[: intact.index(False) if False in intact else count], start


def _difference(recorded: Any, given: Any, name: str = "") -> str:
    """The first value that differs, with its name, in words; an empty string where none does."""
    if recorded == given:
        return ""
    pairs: Iterable[tuple[str, tuple[Any, Any]]]
    if isinstance(recorded, dict) and isinstance(given, dict):
        keys = {**recorded, **given}
        pairs = ((f"{name}.{key}".lstrip("."), (recorded.get(key), given.get(key))) for key in keys)
    elif isinstance(recorded, list) and isinstance(given, list):
        pairs = ((f"{name}[{i}]", pair) for i, pair in enumerate(itertools.zip_longest(recorded, given)))
    else:
        # NaN is the same setting as NaN.
        values = _shortened(recorded), _shortened(given)
        return f"{name} was {values[0]}, and is now {values[1]}" if json.dumps(recorded) != json.dumps(given) else ""
    return next(filter(None, (_difference(*pair, place) for place, pair in pairs)), "")


def _shortened(value: Any) -> str:
    return "absent" if value is None else textwrap.shorten(json.dumps(value), 80)


def _row_type(header: Mapping[str, Any]) -> np.dtype:
    networks = len(header["seeds"])
    weights, shape = np.dtype(header["dtype"]).newbyteorder("<"), (networks, header["n_weights"])
    noise = [("noise", "<f8", shape)] if header.get("noise") else []
    loss = ("loss", "<f8", (networks,))
    return np.dtype([("time", "<i8"), loss, ("weights", weights, shape), *noise, ("check", "<u4")])
