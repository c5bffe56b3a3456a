"""Killable work: two alternating state files, each whole and checked or not believed, keyed by what they belong to.

They live in a hidden folder beside the output, where Snakemake, which deletes the declared outputs of a failed job,
does not look; the folder goes once the output is written.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import signal
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from quench.atomic import atomic

_MAGIC = b"quench checkpoint 1\n"
_DIGEST = 64


class Interrupted(SystemExit):
    """The job was asked to stop and has saved its state; the exit status is 128 + the signal's number."""


class Checkpoint:
    """State of one job, saved every ``every`` seconds and when asked to stop.

    ``key`` identifies the work (resolved configuration and code fingerprint); a state under another key is not used.
    """

    def __init__(self, output: str | Path, key: Mapping[str, Any], every: float = 60.0) -> None:
        output = Path(output)
        self.folder = output.parent / f".{output.stem}.checkpoint"
        self.key = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self.every = every
        self.saved = time.monotonic()
        self.asked: int | None = None
        self.generation = 0

    def listen(self) -> None:
        """Ask for a stop at the next pause on SIGTERM, SIGINT and SIGUSR1 (what schedulers send before the limit)."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: Any) -> None:
        self.asked = number

    def due(self) -> bool:
        """Whether a state should be saved now."""
        return self.asked is not None or time.monotonic() - self.saved >= self.every

    def save(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``arrays`` over the older of the two states; leave if a stop was asked for."""
        payload = io.BytesIO()
        np.savez(payload, **arrays)
        body = self.key.encode() + payload.getvalue()
        self.generation += 1
        with atomic(self.folder / f"state-{self.generation % 2}.bin") as temporary:
            number = f"{self.generation:020d}".encode()
            digest = hashlib.sha256(number + body).hexdigest().encode()
            temporary.write_bytes(_MAGIC + digest + number + body)
        self.saved = time.monotonic()
        if self.asked is not None:
            print(f"quench: stopped by signal {self.asked}; the same command goes on from here", file=sys.stderr)
            raise Interrupted(128 + self.asked)

    def load(self) -> dict[str, np.ndarray] | None:
        """The newest whole state of this work, or None; damaged ones are named on stderr and passed over."""
        states = []
        for path in sorted(self.folder.glob("state-*.bin")):
            state = self._read(path)
            if state is not None:
                states.append(state)
        if not states:
            return None
        self.generation, arrays = max(states, key=lambda state: state[0])
        return arrays

    def _read(self, path: Path) -> tuple[int, dict[str, np.ndarray]] | None:
        content = path.read_bytes()
        head = len(_MAGIC)
        digest, rest = content[head : head + _DIGEST], content[head + _DIGEST :]
        if not content.startswith(_MAGIC) or hashlib.sha256(rest).hexdigest().encode() != digest:
            print(f"quench: {path}: damaged checkpoint, not used", file=sys.stderr)
            return None
        generation, key, payload = int(rest[:20]), rest[20 : 20 + _DIGEST].decode(), rest[20 + _DIGEST :]
        if key != self.key:
            print(f"quench: {path}: belongs to another configuration or code, not used", file=sys.stderr)
            return None
        try:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                return generation, dict(arrays)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            print(f"quench: {path}: unreadable checkpoint ({error}), not used", file=sys.stderr)
            return None

    def remove(self) -> None:
        """Forget the state: the output is written."""
        shutil.rmtree(self.folder, ignore_errors=True)
