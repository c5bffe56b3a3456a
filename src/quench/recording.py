"""Snapshots of any torch training loop, in three lines: ``quench.record(model, schedule, path)``.

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
    """Record the weights of ``model`` at the times of ``schedule`` (updates) into a snapshots file at ``path``.

    Call ``step()`` of what is returned after every update, and ``close()`` at the end, or use it in a ``with`` block. The
    file takes its name with its last snapshot. Until then, and for ever if training ends sooner or is killed, the
    snapshots are in ``path``.part, which ``quench observe`` reads as it is.

    ``model``: a module, or several of one architecture that are trained side by side (``network`` in the file).
    Parameters that need no gradient are left out. ``step``: updates that the model has behind it, for a script that goes
    on from a checkpoint of its own; the .part file is gone on with. ``seed``: one for each network, by which files are
    told apart that are averaged (default: that of ``torch.manual_seed``, and the numbers after it). ``sample``: record so
    many weights of each network, drawn at random, the same in every run; observables are means over weights, which a
    sample estimates without bias. ``config``: what else is to be kept with the file (the learning rate, ...), JSON values.
    ``overwrite``: replace what an earlier run left at ``path``, where otherwise nothing is.

    Raises ``QuenchError`` where the file is there already or something else is wrong, before training begins.
    """
    models = [model] if isinstance(model, torch.nn.Module) else list(model)
    configuration = Configuration(models, sample)
    times = schedule.times if isinstance(schedule, Schedule) else np.unique(np.array(list(schedule)))
    if not times.size or times.dtype.kind not in "iu" or times[0] < 0:
        raise QuenchError("schedule: a quench.Schedule, or whole numbers of updates from 0 on")
    if step < 0:
        raise QuenchError(f"step: updates made so far, not {step}")
    known = {"model": type(models[0]).__name__, "n_weights": configuration.total}
    known |= asdict(schedule) if isinstance(schedule, Schedule) else {}
    taken = known.keys() & (config or {}).keys()
    if taken:
        raise QuenchError(f"config: {min(taken)!r} is recorded anyway; call yours something else")
    header = {
        "seeds": _seeds(seed, len(models)),
        "layers": configuration.layers,
        "dtype": str(configuration.dtype).removeprefix("torch."),
        "n_weights": configuration.size,
        "index": None if configuration.index is None else configuration.index.tolist(),
        "config": {**known, **(config or {})},
    }
    try:
        files.plain(header)
    except TypeError as error:
        raise QuenchError(f"config: numbers, words, lists and mappings of them only ({error})") from None
    recorder = Recorder(configuration, header, times.tolist(), Path(path))
    if step:
        recorder.go_on(step)
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
        self.layers = [[name, p.numel()] for name, p in named[0]]
        self.total = sum(size for _, size in self.layers)
        kinds = {p.dtype for parameters in self.parameters for p in parameters}
        if any(not kind.is_floating_point for kind in kinds):
            raise QuenchError("model: only real weights can be recorded")
        self.dtype = torch.float64 if torch.float64 in kinds else torch.float32
        self.index = None if sample is None else _drawn(sample, self.total)
        self.size = self.total if self.index is None else len(self.index)

    def read(self) -> np.ndarray:
        """The weights as they are now; on a device, this waits for it."""
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
    """Counts ``updates`` and takes the snapshots that are due; made by ``record``."""

    def __init__(self, configuration: Configuration, header: Mapping[str, Any], times: list[int], path: Path) -> None:
        self.path, self.updates = path, 0
        self._configuration, self._header = configuration, header
        self._due = times[::-1]
        self._partial: unfinished.Partial | None = None

    def begin(self, overwrite: bool) -> None:
        """Open a new .part file and take the first snapshot, if it is due."""
        waiting = unfinished.beside(self.path)
        if overwrite:
            waiting.unlink(missing_ok=True)
        elif self.path.exists():
            raise QuenchError(f"{self.path}: is there already; name another file, or give overwrite=True")
        elif waiting.exists():
            raise QuenchError(
                f"{waiting}: holds the snapshots of a run that did not end; go on with it from a checkpoint of yours"
                " (step=...), move it away, or give overwrite=True"
            )
        self._partial = unfinished.Partial(waiting, self._header)
        self._look(None)

    def go_on(self, step: int) -> None:
        """Go on after ``step`` updates with what was recorded up to there."""
        self.updates, waiting = step, unfinished.beside(self.path)
        if not waiting.exists():
            if not self.path.exists():
                raise QuenchError(
                    f"{waiting}: not found, but recording is to go on from update {step}; begin at step=0"
                )
            _tell(f"{self.path}: was recorded to its end; nothing is added")
            self._due = []
            return
        self._partial = unfinished.Partial(waiting, self._header, after=step)
        absent = [moment for moment in self._due[::-1] if moment not in self._partial.times]
        self._due = [moment for moment in absent if moment >= step][::-1]
        missed = [moment for moment in absent if moment < step]
        if missed:
            _tell(f"{waiting}: {len(missed)} snapshots from {missed[0]} to {missed[-1]} are missing for good")
        self._look(None)

    def step(self, loss: Any = None) -> None:
        """One more update has been made. ``loss`` (a number or a tensor, or one for each model) is kept with a snapshot."""
        self.updates += 1
        if self._due and self.updates == self._due[-1]:
            self._look(loss)

    def _look(self, loss: Any) -> None:
        if self._partial is None or not self._due or self.updates != self._due[-1]:
            return
        self._due.pop()
        losses = np.broadcast_to(_numbers(loss), len(self._header["seeds"]))
        self._partial.append(self.updates, losses, self._configuration.read())
        if not self._due:
            try:
                self._finish()
            except (OSError, RuntimeError, QuenchError) as error:
                _tell(f"{self.path}: not written yet ({error}); all snapshots are in {self._partial.path}")

    def _finish(self) -> None:
        assert self._partial is not None
        whole = unfinished.read(self._partial.path)
        # The weights are made by the user's code, whatever recorded them: two recordings go together.
        files.write(whole, self.path, kind="snapshots", config=files.config_of(whole), code=unfinished.CODE)
        self._partial.close()
        self._partial.path.unlink()
        self._partial = None

    def close(self) -> None:
        """The last call: the file at ``path`` is written, or what there is of it is on disk as ``path``.part."""
        if self._partial is None:
            return
        if not self._due:
            self._finish()
            return
        self._partial.close()
        _tell(
            f"{self._partial.path}: {len(self._partial.times)} snapshots up to update {self.updates}, {len(self._due)} to"
            f" come; quench observe reads it as it is, step={self.updates} goes on with it"
        )
        self._partial, self._due = None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _drawn(sample: int, total: int) -> np.ndarray:
    """``sample`` different places below ``total``, in order, the same everywhere: int64."""
    if not 1 <= sample <= total:
        raise QuenchError(f"sample: from 1 to the {total:,} weights of the model, not {sample}")
    # Raw words of a counter generator, whose values NumPy keeps for ever.
    words = np.random.Philox(key=_SAMPLE_KEY).random_raw(total)
    return np.sort(np.argsort(words, kind="stable")[:sample])


def _seeds(seed: int | Sequence[int] | None, count: int) -> list[int]:
    first = torch.initial_seed() % 2**62 if seed is None else seed
    seeds = [first + i for i in range(count)] if isinstance(first, int) else [int(one) for one in first]
    if len(seeds) != count or len(set(seeds)) != count or not all(0 <= one < 2**63 for one in seeds):
        raise QuenchError(f"seed: one number from 0 on for each of the {count} networks, all different")
    return seeds


def _numbers(loss: Any) -> np.ndarray:
    if loss is None:
        return np.array(np.nan)
    if isinstance(loss, torch.Tensor):
        return loss.detach().double().cpu().numpy()
    return np.array([_numbers(one) for one in loss]) if isinstance(loss, Sequence) else np.array(float(loss))


def _tell(text: str) -> None:
    print(f"quench: {text}", file=sys.stderr)
