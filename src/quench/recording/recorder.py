"""Counts the updates of a training loop, and records the snapshots that are due."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from quench.errors import QuenchError
from quench.recording.noise import Noise
from quench.recording.weights import Weights
from quench.store import files, unfinished


class Recorder:
    """Counts ``updates`` and records the snapshots that are due; created by ``quench.record``.

    Nothing that happens to the weights, the loss or the disk ends the training: it is reported on stderr. A copy of a
    recorder (in a copy of the model that holds it, or in a forked process) records nothing.
    """

    def __init__(self, path: Path, weights: Weights | None, header: Mapping[str, Any], updates: int) -> None:
        self.path, self.updates = path, updates
        self._weights, self._header = weights, header
        self._due = [moment for moment in reversed(header.get("times", ())) if moment >= updates]
        self._recording: unfinished.Writer | None = None
        self._process, self._replaces = os.getpid(), False
        self._reported = False
        self._noise: Noise | None = None

    @property
    def noise(self) -> np.ndarray | None:
        """The sum of the noise so far, float64 (network, weight), for your checkpoint; None where none is recorded."""
        return None if self._noise is None else self._noise.read()

    def begin(self, overwrite: bool, noise: np.ndarray | None = None) -> None:
        """Create the .part file or, after some updates, resume it; then record the present weights if they are due.

        ``noise``: its sum so far (default: that of the last snapshot).
        """
        assert self._weights is not None
        self._replaces = self.path.exists()
        if noise is None and self._weights.writes and self.updates and self._header.get("noise"):
            # Before later snapshots are removed.
            noise = self._recorded_noise()
        if self._weights.writes:
            self._recording = self._resumed() if self.updates else self._created(overwrite)
        if self._recording is None and not self._weights.sharded:
            self._due = []
        try:
            if self._recording is not None and self._header.get("noise"):
                self._noise = Noise(self._weights, len(self._header["seeds"]), noise)
            self._record_due(None)
        except BaseException:
            if self._recording is not None:
                self._recording.close(remove=not self._recording.times)
            raise

    def _created(self, overwrite: bool) -> unfinished.Writer:
        if self._replaces and not overwrite:
            raise QuenchError(f"{self.path}: already exists; name another file, or pass overwrite=True")
        return unfinished.Writer(unfinished.part_path(self.path), self._header, overwrite=overwrite)

    def _resumed(self) -> unfinished.Writer | None:
        """The .part file, with the snapshots up to the present update; None if the recording is already complete."""
        part = unfinished.part_path(self.path)
        if not part.exists():
            if not self.path.exists():
                raise QuenchError(
                    f"{part}: not found, but recording is to resume from update {self.updates}; begin at step=0"
                )
            unfinished.check_complete(self.path, self._header)
            _report(f"{self.path}: already complete; no snapshot is added")
            return None
        recording = unfinished.Writer(part, self._header, after=self.updates)
        self._report_missing([t for t in self._header["times"] if t < self.updates and t not in recording.times])
        return recording

    def _recorded_noise(self) -> np.ndarray | None:
        """The sum of the noise in the .part file at the present update; None where there is no such file."""
        part = unfinished.part_path(self.path)
        if not part.exists():
            return None
        if (recorded := unfinished.noise_at(part, self.updates)) is None:
            raise QuenchError(
                f"noise: {part} holds no sum of the noise at update {self.updates}; keep recorder.noise in your checkpoint"
                " and pass it to record(noise=...)"
            )
        return recorded

    def step(self, loss: Any = None, *, noise: Any = None) -> None:
        """Count one update. ``loss`` (a number or a tensor, or one for each model) is recorded with a snapshot.

        ``noise``, where ``record(noise=True)`` declares it: the displacement a xi that the noise of this update added to
        each trained parameter, as a list of tensors in the order of the parameters or a dict by name; of several models, a
        list of these. Raises ``QuenchError`` where it is absent or has another shape, and where it was not declared.
        """
        self.reach(self.updates + 1, loss, noise=noise)

    def reach(self, updates: int, loss: Any = None, *, noise: Any = None) -> None:
        """Count up to ``updates``, for loops that count themselves; snapshots due in between are reported as missing.

        ``noise``: as for ``step``, the sum over these updates.
        """
        if noise is not None or (self._noise is not None and updates > self.updates):
            self._add(noise, updates)
        self.updates = updates
        if self._due and self._due[-1] <= updates and not self._is_copy():
            passed = [moment for moment in self._due if moment < updates][::-1]
            self._due = self._due[: len(self._due) - len(passed)]
            self._report_missing(passed)
            self._record_due(loss)

    def _add(self, noise: Any, updates: int) -> None:
        if self._recording is None:
            return
        if self._noise is None:
            raise QuenchError(f"step: noise at update {updates}, but it was not declared; pass noise=True to record()")
        if noise is None:
            raise QuenchError(f"step: no noise at update {updates}; it is needed at every update, or at none")
        self._noise.add(noise)

    def _record_due(self, loss: Any) -> None:
        if self._due and self._due[-1] == self.updates:
            self._due.pop()
            self._record(loss)
        if self._recording is not None and not self._due:
            try:
                self._finish(self._recording)
            except (OSError, RuntimeError, QuenchError) as error:
                _report(f"{self.path}: not written yet ({error}); all snapshots are in {self._recording.path}")

    def _record(self, loss: Any) -> None:
        """Append a snapshot of the present weights, or report why there is none."""
        assert self._weights is not None
        try:
            weights = self._weights.read()
        except QuenchError as error:
            _report(f"{self.path}: {error}; no snapshot from update {self.updates} on, training continues")
            self._due = []
            if self._recording is not None:
                self._recording.close()
                self._recording = None
            return
        except RuntimeError as error:
            self._report_once(f"no snapshot at {self.updates} ({error!s:.200}); training continues")
            return
        if self._recording is not None and self.updates not in self._recording.times:
            self._recording.append(self.updates, self._losses(loss), weights, self.noise)

    def _losses(self, loss: Any) -> np.ndarray:
        """``loss`` of every network, float64 (network); NaN where it is not reported, or not one number for each."""
        count = len(self._header["seeds"])
        try:
            values = np.concatenate([_numbers(one) for one in (loss if isinstance(loss, list | tuple) else [loss])])
        except (TypeError, ValueError, RuntimeError):
            values = np.empty(0)
        if len(values) not in (1, count):
            wanted = "one number" if count == 1 else f"one number, or one for each of the {count} networks"
            self._report_once(f"step(loss) takes {wanted}; {len(values) or type(loss).__name__} is recorded as NaN")
            values = np.array([np.nan])
        return np.broadcast_to(values, count)

    def _finish(self, recording: unfinished.Writer) -> None:
        if self.path.exists() and not self._replaces:
            raise QuenchError(f"{self.path}: was written by another run in the meantime")
        complete = recording.content()
        # The user's code computed the weights, so files of two versions of quench can be averaged.
        files.write(complete, self.path, kind="snapshots", config=files.config_of(complete), code=unfinished.CODE)
        recording.close(remove=True)
        self._recording = None

    def close(self) -> None:
        """Write the file at ``path``; if snapshots are still due, keep those so far on disk as ``path``.part."""
        if self._recording is None or self._is_copy():
            return
        if not self._due:
            self._finish(self._recording)
            return
        self._recording.close()
        _report(
            f"{self._recording.path}: {len(self._recording.times)} snapshots up to update {self.updates},"
            f" {len(self._due)} to come, the last at {self._due[0]}; quench observe reads this file,"
            f" step={self.updates} resumes it"
        )
        self._recording, self._due = None, []

    def _is_copy(self) -> bool:
        """Whether this is a copy, of a copied model or in another process: it records nothing."""
        if self._weights is not None and os.getpid() == self._process:
            return False
        _report(f"{self.path}: this copy of a recorder records nothing; only the one that record() returned does")
        self._recording, self._due = None, []
        return True

    def _report_missing(self, moments: list[int]) -> None:
        if moments:
            _report(
                f"{unfinished.part_path(self.path)}: {len(moments)} snapshots from {moments[0]} to {moments[-1]} are"
                " missing and cannot be recorded"
            )

    def _report_once(self, text: str) -> None:
        if not self._reported:
            _report(f"{self.path}: {text}")
            self._reported = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Recorder, (self.path, None, {"times": self._due[::-1]}, self.updates)


def _numbers(loss: Any) -> np.ndarray:
    """``loss`` of any library as float64 numbers in one dimension."""
    if loss is None:
        return np.array([np.nan])
    values = loss.detach().double().cpu().numpy() if isinstance(loss, torch.Tensor) else np.asarray(loss, np.float64)
    return values.reshape(-1)


def _report(text: str) -> None:
    print(f"quench: {text}", file=sys.stderr)
