"""Snapshots of any torch training loop in three lines: ``quench.record(model, schedule, path)``.

recorder = quench.record(model, quench.Schedule(waiting_times=(100, 1000), lag_max=10_000), "run.nc")
for batch in loader:
    ...  # forward, backward, optimizer.step()
    recorder.step()
recorder.close()
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from quench.dynamics.schedule import Schedule
from quench.errors import QuenchError
from quench.store import files, unfinished

_SAMPLE_KEY = 20180720


def record(
    model: torch.nn.Module | Sequence[torch.nn.Module],
    schedule: Schedule | Iterable[int],
    path: str | Path,
    *,
    step: int = 0,
    seed: int | Sequence[int] | None = None,
    sample: int | None = None,
    config: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Recorder:
    """Record the weights of ``model`` at the times of ``schedule`` (updates) in a snapshots file at ``path``.

    Call ``step()`` of the returned recorder after every update, and ``close()`` at the end, or use it in a ``with`` block.
    The file appears with its last snapshot. Until then, or if training ends earlier or is killed, the snapshots are in
    ``path``.part, which ``quench observe`` reads directly.

    ``model``: a module, or several of one architecture that are trained side by side (``network`` in the file).
    Parameters without gradient are left out. ``step``: the number of updates made so far, for a script that resumes from
    its own checkpoint; recording resumes in the .part file. ``seed``: one per network; averages over files tell networks
    apart by it (default: the seed of ``torch.manual_seed`` and the numbers after it). ``sample``: record this many
    weights of each network, drawn at random, the same in every run; observables are means over weights, which a sample
    estimates without bias. ``config``: other values to keep in the file (the learning rate, ...), as JSON values.
    ``overwrite``: replace the files that an earlier run left at ``path``.

    Raises ``QuenchError``, before training begins, where the file already exists or an argument is wrong.
    """
    models = [model] if isinstance(model, torch.nn.Module) else list(model)
    configuration = Configuration(models, sample)
    times = _times(schedule)
    if step < 0:
        raise QuenchError(f"step: the number of updates made so far, not {step}")
    known = {"model": type(models[0]).__name__, "n_weights": configuration.total}
    known |= asdict(schedule) if isinstance(schedule, Schedule) else {}
    header = configuration.header() | {"seeds": _seeds(seed, len(models)), "config": _merged(known, config or {})}
    recorder = Recorder(configuration, header, times, Path(path))
    if step:
        recorder.resume(step)
    else:
        recorder.begin(overwrite)
    return recorder


class Configuration:
    """The trained weights of ``models`` as one array, float32 or float64 (network, weight): all, or a ``sample``."""

    def __init__(self, models: Sequence[torch.nn.Module], sample: int | None) -> None:
        named = [[(n, p) for n, p in model.named_parameters() if p.requires_grad] for model in models]
        if not named or not named[0]:
            raise QuenchError("model: no parameter that needs a gradient")
        shapes = [[(name, tuple(p.shape)) for name, p in parameters] for parameters in named]
        if any(other != shapes[0] for other in shapes):
            raise QuenchError("model: the networks differ in their parameters; record one file for each")
        self.parameters = [[p for _, p in parameters] for parameters in named]
        self.layers = [(name, p.numel()) for name, p in named[0]]
        self.total = sum(size for _, size in self.layers)
        kinds = {p.dtype for parameters in self.parameters for p in parameters}
        if any(not kind.is_floating_point for kind in kinds):
            raise QuenchError("model: only real weights can be recorded")
        self.dtype = torch.float64 if torch.float64 in kinds else torch.float32
        self.index = None if sample is None else _drawn(sample, self.total)

    def header(self) -> dict[str, Any]:
        """The part of the header of an unfinished recording that describes the weights."""
        return {
            "layers": self.layers,
            "dtype": str(self.dtype).removeprefix("torch."),
            "n_weights": self.total if self.index is None else len(self.index),
            "index": None if self.index is None else self.index.tolist(),
        }

    def read(self) -> np.ndarray:
        """The present weights; for weights on a device, this waits for it."""
        device = self.parameters[0][0].device
        rows = [
            torch.cat([p.detach().to(device, self.dtype).reshape(-1) for p in parameters])
            for parameters in self.parameters
        ]
        if self.index is not None:
            places = torch.from_numpy(self.index).to(device)
            rows = [row[places] for row in rows]
        return np.stack([row.cpu().numpy() for row in rows]) if len(rows) > 1 else rows[0].cpu().numpy()[None]


class Recorder:
    """Counts ``updates`` and records the snapshots that are due; created by ``record``."""

    def __init__(self, configuration: Configuration, header: Mapping[str, Any], times: list[int], path: Path) -> None:
        self.path, self.updates = path, 0
        self._configuration, self._header = configuration, header
        self._due = times[::-1]
        self._recording: unfinished.Writer | None = None

    def begin(self, overwrite: bool) -> None:
        """Create the .part file, and record the first snapshot if it is due."""
        part = unfinished.part_path(self.path)
        if overwrite:
            part.unlink(missing_ok=True)
        elif self.path.exists():
            raise QuenchError(f"{self.path}: already exists; name another file, or pass overwrite=True")
        elif part.exists():
            raise QuenchError(
                f"{part}: holds the snapshots of a run that did not end; resume it from your checkpoint (step=...),"
                " move it away, or pass overwrite=True"
            )
        self._recording = unfinished.Writer(part, self._header)
        self._record(None)

    def resume(self, step: int) -> None:
        """Continue after ``step`` updates with the snapshots recorded up to there."""
        self.updates, part = step, unfinished.part_path(self.path)
        if not part.exists():
            if not self.path.exists():
                raise QuenchError(f"{part}: not found, but recording is to resume from update {step}; begin at step=0")
            _report(f"{self.path}: already complete; no snapshot is added")
            self._due = []
            return
        self._recording = unfinished.Writer(part, self._header, after=step)
        absent = [moment for moment in self._due[::-1] if moment not in self._recording.times]
        self._due = [moment for moment in absent if moment >= step][::-1]
        missed = [moment for moment in absent if moment < step]
        if missed:
            _report(
                f"{part}: {len(missed)} snapshots from {missed[0]} to {missed[-1]} are missing and cannot be recorded"
            )
        self._record(None)

    def step(self, loss: Any = None) -> None:
        """Count one update. ``loss`` (a number or a tensor, or one for each model) is recorded with a snapshot."""
        self.updates += 1
        if self._due and self.updates == self._due[-1]:
            self._record(loss)

    def _record(self, loss: Any) -> None:
        if self._recording is None or not self._due or self.updates != self._due[-1]:
            return
        self._due.pop()
        losses = np.broadcast_to(_numbers(loss), len(self._header["seeds"]))
        self._recording.append(self.updates, losses, self._configuration.read())
        if not self._due:
            try:
                self._finish(self._recording)
            except (OSError, RuntimeError, QuenchError) as error:
                _report(f"{self.path}: not written yet ({error}); all snapshots are in {self._recording.path}")

    def _finish(self, recording: unfinished.Writer) -> None:
        complete = unfinished.read(recording.path)
        # The user's code computed the weights, so files of two versions of quench can be averaged.
        files.write(complete, self.path, kind="snapshots", config=files.config_of(complete), code=unfinished.CODE)
        recording.close()
        recording.path.unlink()
        self._recording = None

    def close(self) -> None:
        """Write the file at ``path``; if snapshots are still due, keep those so far on disk as ``path``.part."""
        if self._recording is None:
            return
        if not self._due:
            self._finish(self._recording)
            return
        self._recording.close()
        _report(
            f"{self._recording.path}: {len(self._recording.times)} snapshots up to update {self.updates},"
            f" {len(self._due)} to come; quench observe reads this file, step={self.updates} resumes it"
        )
        self._recording, self._due = None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _times(schedule: Schedule | Iterable[int]) -> list[int]:
    times = schedule.times if isinstance(schedule, Schedule) else np.unique(np.array(list(schedule)))
    if not times.size or times.dtype.kind not in "iu" or times[0] < 0:
        raise QuenchError("schedule: a quench.Schedule, or whole numbers of updates from 0 on")
    whole: list[int] = times.tolist()
    return whole


def _merged(known: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are always recorded and those of the user."""
    taken = known.keys() & config.keys()
    if taken:
        raise QuenchError(f"config: {min(taken)!r} is always recorded; choose another name for your value")
    try:
        return files.plain({**known, **config})
    except TypeError as error:
        raise QuenchError(f"config: only numbers, words, and lists and mappings of these ({error})") from None


def _drawn(sample: int, total: int) -> np.ndarray:
    """``sample`` different places below ``total``, in ascending order, the same on every machine: int64."""
    if not 1 <= sample <= total:
        raise QuenchError(f"sample: from 1 to the {total:,} weights of the model, not {sample}")
    # Raw words of a counter generator: NumPy guarantees their values across versions.
    words = np.random.Philox(key=_SAMPLE_KEY).random_raw(total)
    return np.sort(np.argsort(words, kind="stable")[:sample])


def _seeds(seed: int | Sequence[int] | None, count: int) -> list[int]:
    first = torch.initial_seed() % 2**62 if seed is None else seed
    seeds = [first + i for i in range(count)] if isinstance(first, int) else [int(one) for one in first]
    if len(seeds) != count or len(set(seeds)) != count or not all(0 <= one < 2**63 for one in seeds):
        raise QuenchError(f"seed: one non-negative number for each of the {count} networks, all different")
    return seeds


def _numbers(loss: Any) -> np.ndarray:
    if loss is None:
        return np.array(np.nan)
    if isinstance(loss, torch.Tensor):
        return loss.detach().double().cpu().numpy()
    return np.array([_numbers(one) for one in loss]) if isinstance(loss, Sequence) else np.array(float(loss))


def _report(text: str) -> None:
    print(f"quench: {text}", file=sys.stderr)
