"""What the training commands share: the problem, the backend, seeds, and a trajectory that survives being killed."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

from quench.dynamics.recorders import Journalled, Recorder
from quench.dynamics.trajectory import Leg, State, follow
from quench.errors import QuenchError
from quench.networks.mlp import Architecture
from quench.pipeline import results
from quench.provenance import steps
from quench.runtime import signals
from quench.runtime.checkpoint import Checkpoint, Saved
from quench.runtime.progress import Progress
from quench.store import files

# Younger states are not worth a last save before the output is written.
LAST_SAVE_SECONDS = 5.0


def read_dataset(path: Path, loss: str = "quadratic_hinge") -> xr.Dataset:
    """The dataset at ``path``, with labels that ``loss`` can take."""
    dataset = results.read(path, kind="dataset")
    for name in ("x", "y"):
        if name not in dataset:
            raise QuenchError(
                f"{path}: no variable {name!r}; a dataset file holds x (sample, component) and y (sample)"
            )
    if loss != "mse" and not np.isin(dataset["y"], (-1, 1)).all():
        raise QuenchError(f"{path}: labels other than -1 and +1, which loss {loss} needs; --labels parity makes them")
    return dataset


def make_problem(
    dataset: xr.Dataset,
    architecture: Architecture,
    args: argparse.Namespace,
    loss: str = "quadratic_hinge",
    optimiser: str = "sgd",
) -> tuple[Any, str]:
    """The training problem on the backend asked for, and that backend's name."""
    backend = steps.backend_for(args.backend, args.device, loss, optimiser)
    if args.backend == "auto" and backend != steps.backend_for("auto", args.device):
        print(
            f"quench: loss {loss}, {optimiser}: by the reference backend, which has more than the fused one",
            file=sys.stderr,
        )
    options: dict[str, Any] = {"precision": args.precision, "threads": args.threads}
    if backend == "reference":
        options["loss"] = loss
        options["device"] = usable_device(args.device, float64=True)
        if options["device"] != args.device and loss in steps.FUSED_LOSSES:
            print("quench: --device cpu would take the fused engine, which is faster here", file=sys.stderr)
    elif args.device != "cpu":
        raise QuenchError(f"--backend {backend} works on the CPU; --device {args.device} needs --backend reference")
    module = importlib.import_module(f"quench.dynamics.{backend}.problem")
    try:
        return module.Problem(dataset["x"].values, dataset["y"].values, architecture, **options), backend
    except ValueError as error:
        raise QuenchError(f"dataset: {error}") from None


def usable_device(wanted: str, float64: bool = False) -> str:
    """``wanted`` if torch can use it here, for ``float64`` numbers if need be; else the CPU, with a word on stderr."""
    from quench.runtime import device

    try:
        usable, reason = device.usable_device(wanted, float64)
    except ValueError as error:
        raise QuenchError(f"--device: {error}") from None
    if reason:
        print(f"quench: --device {wanted}: {reason}; going on with the CPU", file=sys.stderr)
    return usable


def advance_module(backend: str, dynamics: str) -> ModuleType:
    return importlib.import_module(f"quench.dynamics.{backend}.{dynamics}")


def train(
    state: State,
    legs: Sequence[Leg],
    times: Sequence[int],
    recorder: Recorder,
    *,
    output: Path,
    key: Mapping[str, Any],
    title: str,
    checkpoint_every: float,
    finish: Callable[[State], None],
) -> None:
    """Follow the trajectory from its last checkpoint to the end, then ``finish`` (write the output) and forget the rest.

    ``key`` is all that shapes the result: configuration, code, inputs, device. A signal stops the job within about the
    time of one step or ``trajectory.SEGMENT_SECONDS``, its state saved; once the output is being written it stops at once,
    the state having been saved before.
    """
    with Checkpoint(output, {**key, "packages": files.versions()}, checkpoint_every) as checkpoint:
        saved = checkpoint.load()
        if saved is not None:
            _restore(state, recorder, saved)
            print(f"quench: {title}: goes on from step {state.step:,}", file=sys.stderr)

        def pause(state: State, leg: str) -> None:
            progress.report(state.step, leg, recorder.last_loss)
            if checkpoint.due():
                _save(checkpoint, state, recorder)

        with checkpoint.listening(), Progress(title, sum(leg.n_steps for leg in legs)) as progress:
            follow(state, legs, times, recorder.look, pause)
            if checkpoint.due() or checkpoint.age > LAST_SAVE_SECONDS:
                _save(checkpoint, state, recorder)
        # A Ctrl-C that comes when the work is done leaves nothing behind.
        with signals.defer_interrupt():
            finish(state)
            checkpoint.remove()


def _save(checkpoint: Checkpoint, state: State, recorder: Recorder) -> None:
    own = {
        "weights": state.weights,
        "diverged_at": state.diverged_at,
        "step": np.int64(state.step),
        "looks": np.int64(state.looks),
        "memory": state.memory,
    }
    rows = recorder.rows(checkpoint.journal.n_rows) if isinstance(recorder, Journalled) else np.empty((0, 0))
    checkpoint.save({f"state {name}": np.asarray(value) for name, value in own.items()} | recorder.memory(), rows)


def _restore(state: State, recorder: Recorder, saved: Saved) -> None:
    memory = dict(saved.arrays)
    state.weights[...] = memory.pop("state weights")
    state.diverged_at[...] = memory.pop("state diverged_at")
    state.memory[...] = memory.pop("state memory")
    state.step, state.looks = int(memory.pop("state step")), int(memory.pop("state looks"))
    recorder.restore(memory)
    if isinstance(recorder, Journalled):
        recorder.restore_rows(saved.rows)


def finished(path: Path, kind: str, key: Mapping[str, Any]) -> xr.Dataset | None:
    """The part of a job that is at ``path``, if it is whole and of this work; None if it must be done."""
    if not path.exists():
        return None
    try:
        part = files.read(path, kind)
    except QuenchError as error:
        print(f"quench: {error}; done anew", file=sys.stderr)
        return None
    return part if files.config_of(part) == files.plain(key) else None


def content_key(dataset: xr.Dataset) -> str:
    """Checksum of the values in ``dataset``: a checkpoint is of use only to work with the same inputs."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        digest.update(name.encode() + np.ascontiguousarray(dataset[name].values).tobytes())
    return digest.hexdigest()
