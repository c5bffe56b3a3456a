"""Killable work: two alternating state files, each whole and checked or not believed, keyed by what they belong to.

They live in a hidden folder beside the output, where Snakemake, which deletes the declared outputs of a failed job,
does not look; the folder goes once the output is written. What only grows is kept in a journal beside them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from quench.errors import QuenchError
from quench.runtime import signals
from quench.runtime.atomic import atomic, remove_leftovers
from quench.runtime.journal import Journal

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
_MAGIC = b"quench checkpoint 2\n"
_DIGEST = 64
_NO_ROWS = np.empty((0, 0))


class Interrupted(SystemExit):
    """The job was asked to stop and has saved its state; the exit status is 128 + the signal's number."""


class Saved(NamedTuple):
    """A state as it was saved: ``arrays`` by name, and the ``rows`` of the journal, float64 (row, value)."""

    arrays: dict[str, np.ndarray]
    rows: np.ndarray


class Checkpoint:
    """The saved states of one job, whose result is the file ``output``.

    ``key`` identifies the work: resolved configuration, code, inputs, whatever else shapes the result; a state under
    another key is not used. ``every`` seconds a state is ``due``. As a context it holds a lock: two processes at work on
    one output would spoil each other's states, so the second raises ``QuenchError``.
    """

    def __init__(
        self,
        output: str | Path,
        key: Mapping[str, Any],
        every: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.output = Path(output)
        self.folder = self.output.parent / f".{self.output.stem}.checkpoint"
        self.key = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self.every, self.clock = every, clock
        self.saved = clock()
        self.asked: int | None = None
        self.generation = 0
        self.journal = Journal(self.folder / "journal.bin")
        self._lock: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.folder)
        if self._lock is None:
            other = (self.folder / "lock").read_text(encoding="ascii").strip()
            raise QuenchError(f"{self.output}: process {other} is at work on this file; wait for it, or end it")
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()} on {os.uname().nodename}\n".encode("ascii", "replace"))
        for path in (self.output, *map(self._state, (0, 1))):
            remove_leftovers(path)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is Interrupted and self.asked is not None:
            name = signal.Signals(self.asked).name
            print(f"quench: stopped by {name}; the same command goes on from the saved state", file=sys.stderr)
        self._unlock()
        with contextlib.suppress(OSError):
            if not any(entry.name != "lock" for entry in self.folder.iterdir()):
                shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, SIGTERM, SIGINT and SIGUSR1 (what schedulers send before the limit) ask for a stop at the next save.

        A second signal changes nothing. Outside, they act as they did before: at once.
        """
        with signals.handled(SIGNALS, self._ask):
            yield
        if self.asked is not None:
            raise Interrupted(128 + self.asked)

    def _ask(self, number: int, _frame: Any) -> None:
        self.asked = number

    @property
    def age(self) -> float:
        """Seconds since the last save."""
        return self.clock() - self.saved

    def due(self) -> bool:
        """Whether a state should be saved now."""
        return self.asked is not None or self.age >= self.every

    def save(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray = _NO_ROWS) -> None:
        """Write ``arrays`` over the older of the two states, and append ``rows`` to the journal; then leave, if asked to.

        ``rows`` (row, ...) are those after the ``journal.n_rows`` that are there. A disk that takes no more is told about
        on stderr, and the work goes on without this state.
        """
        try:
            self.journal.append(rows)
            self._write(arrays)
        except OSError as error:
            print(f"quench: {self.folder}: state not saved ({error.strerror or error})", file=sys.stderr)
        self.saved = self.clock()
        if self.asked is not None:
            raise Interrupted(128 + self.asked)

    def _write(self, arrays: Mapping[str, np.ndarray]) -> None:
        payload = io.BytesIO()
        generation = self.generation + 1
        header = {"generation": generation, "key": self.key, "journal": self.journal.mark()}
        payload.write(json.dumps(header).encode() + b"\n")
        np.savez(payload, **arrays)
        body = payload.getbuffer()
        with atomic(self._state(generation)) as temporary, open(temporary, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(body).hexdigest().encode())
            file.write(body)
        self.generation = generation

    def _state(self, generation: int) -> Path:
        return self.folder / f"state-{generation % 2}.bin"

    def load(self) -> Saved | None:
        """The newest whole state of this work, or None; damaged ones are named on stderr and passed over.

        What is of no use to this work is removed.
        """
        states = [state for path in map(self._state, (0, 1)) if path.exists() and (state := self._read(path))]
        for header, arrays in sorted(states, key=lambda state: state[0]["generation"], reverse=True):
            rows = self.journal.rewind(header["journal"])
            if rows is not None:
                self.generation = header["generation"]
                return Saved(arrays, rows)
            print(f"quench: {self.journal.path}: damaged, its newest state is not used", file=sys.stderr)
        self._forget()
        return None

    def _read(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        content = path.read_bytes()
        head = len(_MAGIC) + _DIGEST
        body = content[head:]
        if not content.startswith(_MAGIC) or hashlib.sha256(body).hexdigest().encode() != content[len(_MAGIC) : head]:
            print(f"quench: {path}: damaged checkpoint, not used", file=sys.stderr)
            return None
        header, _, payload = body.partition(b"\n")
        described = json.loads(header)
        if described["key"] != self.key:
            print(f"quench: {path}: belongs to another configuration, code or input; not used", file=sys.stderr)
            return None
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                return described, dict(arrays)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            print(f"quench: {path}: unreadable checkpoint ({error}), not used", file=sys.stderr)
            return None

    def remove(self) -> None:
        """Forget everything: the output is written."""
        self._forget()
        self._unlock()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _forget(self) -> None:
        for path in (self._state(0), self._state(1), self.journal.path):
            path.unlink(missing_ok=True)

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def forget_stale(root: str | Path, days: float) -> list[Path]:
    """Remove the checkpoint folders under ``root`` that nothing was saved to for ``days`` days, unless at work; say which.

    They belong to jobs that were killed and never started again, since the scenario asks for others now.
    """
    limit = time.time() - 86400 * days
    gone = []
    for folder in sorted(Path(root).rglob(".*.checkpoint")):
        times = [entry.stat().st_mtime for entry in folder.iterdir()] if folder.is_dir() else []
        if max(times, default=limit) >= limit:
            continue
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            gone.append(folder)
    return gone


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock of ``folder``, or None if another process does.

    A file system without locks gives a descriptor that holds nothing.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        pass
    return descriptor
