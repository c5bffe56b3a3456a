"""Snapshots of any torch training loop in three lines.

``recorder = quench.record(model, quench.Schedule(waiting_times=(100, 1000), lag_max=10_000), "run.nc")`` before the loop,
``recorder.step()`` after every ``optimizer.step()``, and ``recorder.close()`` at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from quench.dynamics.schedule import Schedule, whole_number, whole_numbers
from quench.errors import QuenchError
from quench.recording import layers
from quench.recording.recorder import Recorder
from quench.recording.weights import Weights
from quench.runtime import atomic
from quench.store import unfinished

__all__ = ["Recorder", "record"]


def record(
    model: nn.Module | Sequence[nn.Module],
    schedule: Schedule | Iterable[int],
    path: str | Path,
    *,
    step: int = 0,
    seed: int | Sequence[int] | None = None,
    sample: int | None = None,
    config: Mapping[str, Any] | None = None,
    output_layer: str | None = None,
    noise: Any = False,
    overwrite: bool = False,
) -> Recorder:
    """Record the weights of ``model`` at the times of ``schedule`` (updates) in a snapshots file at ``path``.

    Call ``step()`` of the returned recorder after every update, and ``close()`` at the end, or use it in a ``with`` block.
    The file appears with its last snapshot. Until then, or if training ends earlier or is killed, the snapshots are in
    ``path``.part, which ``quench observe`` reads directly.

    ``model``: a module, or several of one architecture that are trained side by side (``network`` in the file).
    Parameters without gradient are left out, and wrappers (``torch.compile``, ``DistributedDataParallel``) are no part of
    names. Where several processes train one wrapped or sharded model, call this in each: the first one writes the file.
    ``step``: the number of updates made so far, for a script that resumes from its own checkpoint; recording resumes in
    the .part file. ``seed``: one per network; averages over files tell networks apart by it (default: the seed of
    ``torch.manual_seed`` and the numbers after it, or the seeds of the recording that is resumed). ``sample``: record this
    many weights of each network, drawn at random, the same in every run; observables are means over weights, which a
    sample estimates without bias. ``config``: other values to keep in the file (the learning rate, ...), as JSON values.
    ``output_layer``: the name of the module that ``quench observe --hidden-only`` leaves out (default: the head, as far as
    the model tells; see ``quench.recording.layers``). ``noise``: True for Langevin dynamics whose noise you pass to ``step``
    at every update, so that ``quench observe`` measures the response. Its sum in float64 costs one addition an update and 8
    bytes for each recorded weight, and as many in each snapshot. To resume at an update without a snapshot, pass the
    ``recorder.noise`` of your checkpoint. ``overwrite``: replace the files that an earlier run left at ``path``.

    Raises ``QuenchError``, before training begins, where the file already exists or an argument is wrong.
    """
    models = [model] if isinstance(model, nn.Module) else _models(model)
    times = schedule.times.tolist() if isinstance(schedule, Schedule) else whole_numbers("schedule", schedule)
    updates = whole_number("step", step)
    target = _target(path)
    weights = Weights(models, output_layer, None if sample is None else whole_number("sample", sample, 1))
    known = {"model": layers.class_name(models[0]), "n_weights": weights.total}
    known |= asdict(schedule) if isinstance(schedule, Schedule) else {}
    seeds = _seeds(seed, len(models), unfinished.part_path(target) if updates else None)
    header = {"seeds": seeds, "config": _merged(known, config), **weights.header, "times": sorted(set(times))}
    so_far = _noise(noise, weights, len(models))
    header |= {} if noise is False or noise is None else {"noise": True}
    recorder = Recorder(target, weights, header, updates)
    recorder.begin(overwrite, so_far)
    return recorder


def _noise(given: Any, weights: Weights, count: int) -> np.ndarray | None:
    """The sum of the noise before recording begins, where it is ``given``."""
    if given is False or given is None:
        return None
    if weights.sharded:
        raise QuenchError("noise: not recorded for weights that are divided among processes")
    if given is True:
        return None
    shape = (count, weights.header["n_weights"])
    try:
        so_far = np.array(given, np.float64)
    except (TypeError, ValueError, RuntimeError):
        so_far = np.empty(0)
    if so_far.shape != shape or not np.isfinite(so_far).all():
        raise QuenchError(f"noise: True, or the sum so far with finite values (network, weight) of shape {shape}")
    return so_far


def _models(model: Any) -> list[nn.Module]:
    models = list(model) if isinstance(model, Iterable) else [model]
    if not models or not all(isinstance(one, nn.Module) for one in models):
        raise QuenchError("model: a torch.nn.Module, or a list of at least one")
    return models


def _target(path: str | Path) -> Path:
    """``path`` as it is meant when recording begins: a training may change its working directory."""
    try:
        target = Path(path).expanduser().absolute()
        atomic.target(target)  # refuses folders, pipes and devices
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise QuenchError(f"path: the name of a file, not {path!r:.60} ({error})") from None
    if target.suffix == unfinished.SUFFIX:
        raise QuenchError(
            f"path: the name of the file to write, {target.with_suffix('').name}, without {target.suffix}"
        )
    # The names of unfinished and temporary files are longer; most file systems take 255 bytes.
    if len(os.fsencode(target.name)) > 240:
        raise QuenchError(f"path: at most 240 bytes for the name of a file, not {target.name:.60}...")
    return target


def _merged(known: dict[str, Any], config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values that are always recorded and those of the user."""
    if not isinstance(config, Mapping | None):
        raise QuenchError(f"config: a mapping, such as {{'lr': 0.1}}, not {type(config).__name__}")
    given = config or {}
    taken = known.keys() & given.keys()
    if taken:
        raise QuenchError(f"config: {min(taken)!r} is always recorded; choose another name for your value")
    try:
        return json.loads(json.dumps({**known, **given}, default=_plain))  # type: ignore[no-any-return]
    except (TypeError, ValueError, RecursionError) as error:
        raise QuenchError(f"config: only numbers, words, and lists and mappings of these ({error})") from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"not a {type(value).__name__}")


def _seeds(seed: Any, count: int, resumed: Path | None) -> list[int]:
    """The seeds of ``count`` networks; where none is given, those of the ``resumed`` recording."""
    if seed is None:
        if resumed is not None and resumed.exists():
            recorded: list[int] = unfinished.header_of(resumed)["seeds"]
            return recorded
        seed = torch.initial_seed() % 2**62
    try:
        seeds = [whole_number("seed", seed) + number for number in range(count)] if np.ndim(seed) == 0 else list(seed)
        seeds = whole_numbers("seed", seeds)
    except (QuenchError, TypeError, ValueError):
        seeds = []
    if len(seeds) != count or len(set(seeds)) != count:
        raise QuenchError(
            f"seed: one non-negative number for each of the {count} networks, all different, not {seed!r:.60}"
        )
    return seeds
