"""Plain SGD of one classifier at a constant rate with a keyed data order, on either backend, and the recorder of its run.

``quench.dynamics.trajectory.follow`` drives the updates; ``Descent.advance`` makes one stretch of them, and
``ClassifierRecorder`` records at declared times. Both can be saved and restored.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from quench.dynamics.batches import DataOrder
from quench.dynamics.trajectory import State
from quench.dynamics.two_time import StreamedDisplacement, TwoTimeSchedule
from quench.networks.classifier import Classifier

Measure = Callable[[Classifier, int], Mapping[str, float]]


class Descent(Protocol):
    """Updates of one network on its training set.

    ``advance`` is that of a ``trajectory.Leg``, for the weights of ``state()``; ``memory`` is what ``State`` does not hold.
    """

    network: Classifier

    def state(self) -> State: ...
    def advance(self, weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray: ...
    def memory(self) -> dict[str, np.ndarray]: ...
    def restore(self, memory: Mapping[str, np.ndarray]) -> None: ...


def descent(
    backend: str,
    network: Classifier,
    images: Tensor,
    classes: Tensor,
    order: DataOrder | None,
    rate: float,
    momentum: float = 0.0,
    **more: Any,
) -> Descent:
    """Updates w <- w - alpha v, v <- m v + grad L_batch (BJ: momentum m = 0), of ``network`` by the ``backend``.

    ``images`` are prepared for the network (``Classifier.prepared``), ``classes`` int64 (sample). Without an ``order``
    of batches every update takes the whole set, without noise or momentum: w <- w - alpha grad L. ``more`` than plain
    SGD, weight decay and augmentation, only the reference backend has. Backends are imported by name, so that an edit of
    one leaves the results of the other valid.
    """
    module = importlib.import_module(f"quench.dynamics.{backend}.minibatch")
    made: Descent = module.Descent(network, images, classes, order, rate, momentum, **more)
    return made


class ClassifierRecorder:
    """Measurements, streamed displacements and weights of a run, each at its own times.

    ``measure(network, step)`` returns named numbers at each of ``measure_at``; weights are kept at each of ``keep_at``,
    float32 (time, weight). ``times`` are all recording times. A diverged network is no longer recorded.
    """

    def __init__(
        self,
        descent: Descent,
        schedule: TwoTimeSchedule,
        measure_at: Sequence[int] | np.ndarray,
        measure: Measure,
        keep_at: Iterable[int] = (),
    ) -> None:
        self.descent, self.measure = descent, measure
        self.measure_at = np.unique(np.asarray(measure_at, dtype=np.int64))
        self.keep_at = np.unique(np.asarray([*keep_at], dtype=np.int64))
        self._places = {int(step): place for place, step in enumerate(self.measure_at)}
        self._kept_steps = set(self.keep_at.tolist())
        self.displacement = StreamedDisplacement(schedule)
        self.times = np.unique(np.concatenate([self.measure_at, self.keep_at, schedule.times]))
        self.curves: dict[str, np.ndarray] = {}
        self.kept: dict[int, np.ndarray] = {}
        self.last_loss = float("nan")

    def record(self, state: State) -> None:
        step, network = state.step, self.descent.network
        if state.diverged_at[0] >= 0:
            return
        self.displacement.record(step, network.weights)
        if step in self._kept_steps:
            self.kept[step] = network.weights.cpu().numpy().copy()
        place = self._places.get(step)
        if place is not None:
            for name, value in self.measure(network, step).items():
                self.curves.setdefault(name, np.full(len(self.measure_at), np.nan))[place] = value
            self.last_loss = self.curves["train_loss"][place] if "train_loss" in self.curves else float("nan")

    def memory(self) -> dict[str, np.ndarray]:
        kept = np.array(sorted(self.kept), dtype=np.int64)
        return {
            **self.descent.memory(),
            **self.displacement.memory(),
            **{f"curve.{name}": values for name, values in self.curves.items()},
            "kept_times": kept,
            "kept": self.snapshots(),
        }

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        self.descent.restore(memory)
        self.displacement.restore(memory, self.descent.network.weights.device)
        self.curves = {
            name.removeprefix("curve."): np.array(v) for name, v in memory.items() if name.startswith("curve.")
        }
        self.kept = dict(zip(memory["kept_times"].tolist(), memory["kept"], strict=True))

    def snapshots(self) -> np.ndarray:
        """Weights kept so far (time, weight), in the order of ``keep_at``."""
        if not self.kept:
            return np.empty((0, self.descent.network.n_weights), dtype=np.float32)
        return np.stack([self.kept[step] for step in sorted(self.kept)])
