"""Checkpoints of a job: two alternating state files with checksums, bound to the configuration, code and inputs of the job.

They lie in a hidden folder beside the output, because Snakemake deletes the declared outputs of a failed job. The folder
is removed once the output is written; in a workflow it keeps a second name of the output until the workflow ends. A journal
beside the states holds the snapshots, whose number only grows.
"""

from __future__ import annotations

import contextlib
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
from types import FrameType
from typing import Any, NamedTuple, Self

import numpy as np

from quench.errors import QuenchError
from quench.runtime import signals
from quench.runtime.atomic import atomic, remove_leftovers
from quench.runtime.journal import Journal
from quench.runtime.locks import lock

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
# A second name of a finished output.
KEPT = "result.nc"
_MAGIC = b"quench checkpoint 2\n"
_DIGEST = 64
_NO_ROWS = np.empty((0, 0))


class Interrupted(SystemExit):
    """The job received a signal and has saved its state; the exit status is 128 + the number of the signal."""


class Saved(NamedTuple):
    """A saved state: ``arrays`` by name, and the ``rows`` of the journal, float64 (row, value)."""

    arrays: dict[str, np.ndarray]
    rows: np.ndarray


class Checkpoint:
    """The saved states of the job that writes the file ``output``.

    ``key`` holds all that shapes the result: resolved configuration, code, inputs. A state with another key is ignored.
    A new state is ``due`` every ``every`` seconds. As a context a checkpoint holds a lock: two processes would overwrite
    each other's states, so the second raises ``QuenchError``.
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
        self.saved_at = clock()
        self.stop_signal: int | None = None
        self.generation = 0
        self.journal = Journal(self.folder / "journal.bin")
        self._lock: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder)
        if self._lock is None:
            other = (self.folder / "lock").read_text(encoding="ascii").strip()
            raise QuenchError(f"{self.output}: process {other} is writing this file; wait until it ends, or stop it")
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()} on {os.uname().nodename}\n".encode("ascii", "replace"))
        for path in (self.output, *map(self._state, (0, 1))):
            remove_leftovers(path)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is Interrupted and self.stop_signal is not None:
            name = signal.Signals(self.stop_signal).name
            print(
                f"quench: stopped by {name}; run the same command again to resume from the checkpoint", file=sys.stderr
            )
        self._unlock()
        with contextlib.suppress(OSError):
            if not any(entry.name != "lock" for entry in self.folder.iterdir()):
                shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside the block SIGTERM, SIGINT and SIGUSR1 (which schedulers send before a limit) stop the job at its next save.

        A second signal changes nothing. Outside the block they act at once, as before.
        """
        with signals.handled(SIGNALS, self._note):
            yield
        if self.stop_signal is not None:
            raise Interrupted(128 + self.stop_signal)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.stop_signal = number

    @property
    def age(self) -> float:
        """Seconds since the last save."""
        return self.clock() - self.saved_at

    def due(self) -> bool:
        """Whether a state should be saved now."""
        return self.stop_signal is not None or self.age >= self.every

    def save(self, arrays: Mapping[str, np.ndarray], rows: np.ndarray = _NO_ROWS) -> None:
        """Write ``arrays`` over the older of the two states and append ``rows`` to the journal; stop if a signal has come.

        ``rows`` (row, ...) follow the ``journal.n_rows`` that the journal holds. A full disk is reported on stderr, and
        the job continues without this state.
        """
        try:
            self.journal.append(rows)
            self._write(arrays)
        except OSError as error:
            print(f"quench: {self.folder}: checkpoint not saved ({error.strerror or error})", file=sys.stderr)
        self.saved_at = self.clock()
        if self.stop_signal is not None:
            raise Interrupted(128 + self.stop_signal)

    def _write(self, arrays: Mapping[str, Any]) -> None:
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
        """The newest intact state of this job, or None. States that cannot be used are reported on stderr.

        Where none can be used, all are removed.
        """
        states = [state for path in map(self._state, (0, 1)) if path.exists() and (state := self._read(path))]
        for header, arrays in sorted(states, key=lambda state: state[0]["generation"], reverse=True):
            rows = self.journal.rewind(header["journal"])
            if rows is not None:
                self.generation = header["generation"]
                return Saved(arrays, rows)
            print(f"quench: {self.journal.path}: damaged; its newest checkpoint is ignored", file=sys.stderr)
        self._remove_states()
        return None

    def _read(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        content = path.read_bytes()
        head = len(_MAGIC) + _DIGEST
        body = content[head:]
        if not content.startswith(_MAGIC) or hashlib.sha256(body).hexdigest().encode() != content[len(_MAGIC) : head]:
            print(f"quench: {path}: damaged checkpoint, ignored", file=sys.stderr)
            return None
        header, _, payload = body.partition(b"\n")
        described = json.loads(header)
        if described["key"] != self.key:
            reason = "saved with another configuration, other inputs or a different version of the code"
            print(f"quench: {path}: {reason}; ignored", file=sys.stderr)
            return None
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                return described, dict(arrays)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            print(f"quench: {path}: unreadable checkpoint ({error}), ignored", file=sys.stderr)
            return None

    def remove(self) -> None:
        """Remove the checkpoint: the output is written."""
        self._remove_states()
        self._unlock()
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep_result(self) -> None:
        """Replace the states by a second name of the output, which costs no disk space; keep them where that fails.

        A workflow removes the output of a job that is cancelled after its end and before the main process has recorded it.
        """
        with contextlib.suppress(OSError):
            self._kept.unlink(missing_ok=True)
            self._kept.with_suffix(".key").write_text(self.key, encoding="ascii")
            os.link(self.output, self._kept)
            self._remove_states()
        self._unlock()

    def kept_result(self) -> Path | None:
        """The result that an earlier try of the same job kept."""
        with contextlib.suppress(OSError):
            if self._kept.exists() and self._kept.with_suffix(".key").read_text(encoding="ascii") == self.key:
                return self._kept
        return None

    def take_result(self) -> None:
        """Give the kept result its name again."""
        self.output.unlink(missing_ok=True)
        os.link(self._kept, self.output)

    @property
    def _kept(self) -> Path:
        return self.folder / KEPT

    def _remove_states(self) -> None:
        for path in (self._state(0), self._state(1), self.journal.path):
            path.unlink(missing_ok=True)

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_recorded(root: str | Path) -> None:
    """Remove what jobs keep under ``root`` beside outputs that exist, at the end of a workflow: it has recorded them."""
    kept = [path.parent for path in Path(root).rglob(f".*.checkpoint/{KEPT}")]
    for folder in (*kept, *Path(root).rglob(".*.parts")):
        if (folder.parent / f"{folder.stem[1:]}.nc").exists():
            shutil.rmtree(folder, ignore_errors=True)


def remove_stale(root: str | Path, days: float) -> list[Path]:
    """Remove the checkpoints under ``root`` to which nothing was saved for ``days`` days; return their folders.

    They belong to jobs that were killed and never started again, because the scenario has changed since. The checkpoint
    of a running job stays.
    """
    limit = time.time() - 86400 * days
    removed = []
    for folder in sorted(Path(root).rglob(".*.checkpoint")):
        times = [entry.stat().st_mtime for entry in folder.iterdir()] if folder.is_dir() else []
        if max(times, default=limit) >= limit:
            continue
        descriptor = _lock(folder)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
            removed.append(folder)
    return removed


def _lock(folder: Path) -> int | None:
    """An open descriptor that holds the lock of ``folder``, or None if another process holds it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    if lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None
