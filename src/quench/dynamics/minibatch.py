"""Plain SGD of one classifier: constant rate, keyed data order, looks at declared times, a state that can be saved.

Updates are driven by ``quench.dynamics.trajectory.follow``; what belongs here is one stretch of updates
(``Descent.advance``) and what is kept of the run (``Record``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from quench.dynamics.trajectory import State
from quench.dynamics.two_time import StreamedDisplacement, TwoTimeSchedule
from quench.networks.classifier import Classifier
from quench.numerics.random import integers, permutation, stream_id

_ORDER = stream_id("data order")
_BLOCK = 64  # updates whose independent draws share one key
_CHECK_EVERY = 100  # updates between two tests for finite weights

Measure = Callable[[Classifier, int], Mapping[str, float]]


class DataOrder:
    """Sample indices of the batch of any step, a pure function of (seed, step).

    sampling "epoch": epoch e = step // ceil(P/B) visits a keyed permutation in order; its last batch is smaller where
    B does not divide P. "iid": B independent draws a step. "full": the whole set, in its own order (no noise).
    """

    def __init__(self, n_samples: int, batch_size: int, seed: int, sampling: str = "epoch") -> None:
        if sampling not in ("epoch", "iid", "full"):
            raise ValueError(f"sampling must be epoch, iid or full, not {sampling!r}")
        if sampling == "epoch" and batch_size > n_samples:
            raise ValueError(f"a batch of {batch_size} is more than the {n_samples} samples")
        self.n_samples, self.batch_size, self.seed, self.sampling = n_samples, batch_size, seed, sampling
        self._period = -(-n_samples // batch_size) if sampling == "epoch" else _BLOCK
        self._drawn: tuple[int, Tensor] = (-1, torch.empty(0))

    def batch(self, step: int) -> Tensor:
        """Indices int64 (sample) of the batch that makes update number ``step``, counted from 0."""
        group, place = divmod(step, self._period)
        if self._drawn[0] != group:
            self._drawn = (group, torch.from_numpy(self._draw(group)))
        return self._drawn[1][place * self.batch_size : (place + 1) * self.batch_size]

    def _draw(self, group: int) -> np.ndarray:
        if self.sampling == "epoch":
            return permutation(self.seed, _ORDER, group, self.n_samples)
        return integers(self.seed, _ORDER, group, _BLOCK * self.batch_size, self.n_samples)


class Descent:
    """Updates w <- w - alpha v, v <- m v + grad L_batch (BJ: momentum m = 0), of ``network`` on its training set.

    ``images`` are prepared for the network (``Classifier.prepared``), ``classes`` int64 (sample).
    """

    def __init__(
        self, network: Classifier, images: Tensor, classes: Tensor, order: DataOrder, rate: float, momentum: float = 0.0
    ) -> None:
        self.network, self.images, self.classes = network, images, classes
        self.order, self.rate, self.momentum = order, rate, momentum
        self.velocity = torch.zeros_like(network.weights) if momentum else None
        self._lost = -1

    def state(self) -> State:
        """A ``State`` of this network for ``follow``; on the CPU its weights (1, M) are the network's own memory."""
        return State(self.network.weights.cpu().numpy()[None])

    def advance(self, weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        """``n_steps`` updates from ``weights`` (1, M), in place.

        Returns in an array of one the number of updates after which a weight was found to be not finite, or -1. That is
        looked for every 100 updates and at the end.
        """
        ours = self.network.weights
        shared = ours.device.type == "cpu" and ours.data_ptr() == weights.ctypes.data
        if not shared:
            ours.copy_(torch.from_numpy(weights[0]))
        last = first_step + n_steps
        for step in range(first_step, last):
            if self._lost >= 0:
                break
            self.update(step)
            if ((step + 1) % _CHECK_EVERY == 0 or step + 1 == last) and not self._finite():
                self._lost = step + 1
        if not shared:
            weights[0] = ours.cpu().numpy()
        return np.array([self._lost])

    def update(self, step: int) -> None:
        """Update number ``step``, counted from 0."""
        if self.order.sampling == "full":
            self.network.weights.sub_(self.network.full_gradient(self.images, self.classes), alpha=self.rate)
            return
        batch = self.order.batch(step)
        x, y = self.images[batch], self.classes[batch]
        if self.velocity is None:
            self.network.descend(x, y, self.rate)
            return
        self.network.compute_gradient(x, y)
        self.velocity.mul_(self.momentum).add_(self.network.gradient)
        self.network.weights.sub_(self.velocity, alpha=self.rate)

    def _finite(self) -> bool:
        # One pass without a temporary; weights whose sum overflows are as lost as infinite ones.
        return bool(torch.isfinite(self.network.weights.sum()))

    def memory(self) -> dict[str, np.ndarray]:
        """What ``State`` does not hold: running statistics and the velocity."""
        held = {f"buffer.{name}": buffer.cpu().numpy().copy() for name, buffer in self.network.buffers().items()}
        return held if self.velocity is None else held | {"velocity": self.velocity.cpu().numpy().copy()}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        for name, buffer in self.network.buffers().items():
            buffer.copy_(torch.from_numpy(np.asarray(memory[f"buffer.{name}"])))
        if self.velocity is not None:
            self.velocity.copy_(torch.from_numpy(np.asarray(memory["velocity"])))


class Record:
    """What is kept of a run: measurements, streamed displacements, whole configurations at chosen times.

    ``measure(network, step)`` gives named numbers at each of ``measure_at``; weights are kept at each of ``keep_at``,
    float32 (time, weight). ``times`` are all the looks that it needs.
    """

    def __init__(
        self,
        descent: Descent,
        schedule: TwoTimeSchedule,
        measure_at: Sequence[int],
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
        self.displacement.look(step, network.weights)
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
        """Kept configurations (time, weight), in the order of ``keep_at``, as far as the run has come."""
        if not self.kept:
            return np.empty((0, self.descent.network.n_weights), dtype=np.float32)
        return np.stack([self.kept[step] for step in sorted(self.kept)])
