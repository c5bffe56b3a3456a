"""Plain SGD of one classifier at a constant rate with a keyed data order, and the recorder of its run.

``quench.dynamics.trajectory.follow`` drives the updates; ``Descent.advance`` makes one stretch of them, and
``ClassifierRecorder`` records at declared times. Both can be saved and restored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from quench.dynamics.batches import DataOrder
from quench.dynamics.trajectory import State
from quench.dynamics.two_time import StreamedDisplacement, TwoTimeSchedule
from quench.networks.classifier import Classifier

_CHECK_EVERY = 100  # updates between two tests for finite weights

Measure = Callable[[Classifier, int], Mapping[str, float]]


class Descent:
    """Updates w <- w - alpha v, v <- m v + grad L_batch (BJ: momentum m = 0), of ``network`` on its training set.

    ``images`` are prepared for the network (``Classifier.prepared``), ``classes`` int64 (sample). Without an ``order``
    of batches every update takes the whole set, without noise or momentum: w <- w - alpha grad L.
    """

    def __init__(
        self,
        network: Classifier,
        images: Tensor,
        classes: Tensor,
        order: DataOrder | None,
        rate: float,
        momentum: float = 0.0,
    ) -> None:
        self.network, self.images, self.classes = network, images, classes
        self.order, self.rate, self.momentum = order, rate, momentum
        self.velocity = torch.zeros_like(network.weights) if momentum else None
        self._diverged_at = -1

    def state(self) -> State:
        """A ``State`` of this network for ``follow``; on the CPU its weights (1, M) are the network's own memory."""
        return State(self.network.weights.cpu().numpy()[None])

    def advance(self, weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        """``n_steps`` updates from ``weights`` (1, M), in place.

        Returns, in an array of one, the number of updates after which a weight was found not finite, or -1. Weights are
        tested every 100 updates and at the end.
        """
        ours = self.network.weights
        shared = ours.device.type == "cpu" and ours.data_ptr() == weights.ctypes.data
        if not shared:
            ours.copy_(torch.from_numpy(weights[0]))
        last = first_step + n_steps
        for step in range(first_step, last):
            if self._diverged_at >= 0:
                break
            self.update(step)
            if ((step + 1) % _CHECK_EVERY == 0 or step + 1 == last) and not self._finite():
                self._diverged_at = step + 1
        if not shared:
            weights[0] = ours.cpu().numpy()
        return np.array([self._diverged_at])

    def update(self, step: int) -> None:
        """Update number ``step``, counted from 0."""
        if self.order is None:
            self.network.weights.sub_(self.network.full_gradient(self.images, self.classes), alpha=self.rate)
            return
        batch = torch.from_numpy(self.order.batch(step))
        x, y = self.images[batch], self.classes[batch]
        if self.velocity is None:
            self.network.descend(x, y, self.rate)
            return
        self.network.compute_gradient(x, y)
        self.velocity.mul_(self.momentum).add_(self.network.gradient)
        self.network.weights.sub_(self.velocity, alpha=self.rate)

    def _finite(self) -> bool:
        # One pass without a temporary array; a sum that overflows counts as diverged, too.
        return bool(torch.isfinite(self.network.weights.sum()))

    def memory(self) -> dict[str, np.ndarray]:
        """Running statistics and velocity, which ``State`` does not hold."""
        held = {f"buffer.{name}": buffer.cpu().numpy().copy() for name, buffer in self.network.buffers().items()}
        return held if self.velocity is None else held | {"velocity": self.velocity.cpu().numpy().copy()}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        for name, buffer in self.network.buffers().items():
            buffer.copy_(torch.from_numpy(np.asarray(memory[f"buffer.{name}"])))
        if self.velocity is not None:
            self.velocity.copy_(torch.from_numpy(np.asarray(memory["velocity"])))


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
