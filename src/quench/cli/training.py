"""What the training commands share: the problem, the backend, seeds, and a trajectory that survives being killed."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import xarray as xr

from quench import files, steps
from quench.checkpoint import Checkpoint
from quench.dynamics.trajectory import Leg, State, follow
from quench.errors import QuenchError
from quench.networks.mlp import Architecture
from quench.progress import Progress


class Recorder(Protocol):
    """What is kept of a trajectory: it looks at states, and its memory can be saved and restored."""

    last_loss: float

    def look(self, state: State) -> None: ...
    def memory(self) -> dict[str, np.ndarray]: ...
    def restore(self, memory: Mapping[str, np.ndarray]) -> None: ...


def read_dataset(path: Path) -> xr.Dataset:
    """The dataset at ``path``, with binary labels."""
    dataset = files.read(path, kind="dataset")
    for name in ("x", "y"):
        if name not in dataset:
            raise QuenchError(
                f"{path}: no variable {name!r}; a dataset file holds x (sample, component) and y (sample)"
            )
    if not np.isin(dataset["y"], (-1, 1)).all():
        raise QuenchError(f"{path}: labels other than -1 and +1; prepare it with --labels parity")
    return dataset


def make_problem(dataset: xr.Dataset, architecture: Architecture, args: argparse.Namespace) -> tuple[Any, str]:
    """The training problem on the backend asked for, and that backend's name."""
    backend = steps.backend_for(args.backend, args.device)
    options: dict[str, Any] = {"precision": args.precision, "threads": args.threads}
    if backend == "reference":
        options["device"] = usable_device(args.device)
    module = importlib.import_module(f"quench.dynamics.{backend}.problem")
    try:
        return module.Problem(dataset["x"].values, dataset["y"].values, architecture, **options), backend
    except ValueError as error:
        raise QuenchError(f"dataset: {error}") from None


def usable_device(device: str) -> str:
    """``device`` if torch has it here, else the CPU, with a word on stderr."""
    import sys

    import torch

    kind = device.partition(":")[0]
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind not in available:
        raise QuenchError(f"--device: {device!r} is not one of {', '.join(available)}")
    if not available[kind]:
        print(f"quench: no {device!r} device on this machine; going on with the CPU", file=sys.stderr)
        return "cpu"
    return device


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
    """Follow the trajectory from its last checkpoint to the end, then ``finish`` (write the output) and forget the rest."""
    checkpoint = Checkpoint(output, key, checkpoint_every)
    saved = checkpoint.load()
    if saved is not None:
        state.weights[...] = saved.pop("weights")
        state.diverged_at[...] = saved.pop("diverged_at")
        state.step, state.looks = int(saved.pop("step")), int(saved.pop("looks"))
        recorder.restore(saved)
    progress = Progress(title, sum(leg.n_steps for leg in legs))

    def pause(state: State, leg: str) -> None:
        progress.tell(state.step, leg, recorder.last_loss)
        if checkpoint.due():
            checkpoint.save(
                {
                    "weights": state.weights,
                    "diverged_at": state.diverged_at,
                    "step": np.int64(state.step),
                    "looks": np.int64(state.looks),
                    **recorder.memory(),
                }
            )

    checkpoint.listen()
    follow(state, legs, times, recorder.look, pause)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    progress.close()
    finish(state)
    checkpoint.remove()


def content_key(dataset: xr.Dataset) -> str:
    """Checksum of the values in ``dataset``: a checkpoint is of use only to work with the same inputs."""
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        digest.update(name.encode() + np.ascontiguousarray(dataset[name].values).tobytes())
    return digest.hexdigest()
