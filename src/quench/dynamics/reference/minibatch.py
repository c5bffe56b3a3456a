"""Plain SGD of one classifier in torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from quench.dynamics.batches import DataOrder
from quench.dynamics.trajectory import State
from quench.networks.classifier import Classifier
from quench.numerics.subnormals import FlushedThread


class Descent:
    """Updates of any network on any device, as ``quench.dynamics.minibatch.descent`` declares them."""

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
        self._thread = FlushedThread()

    def state(self) -> State:
        """A ``State`` of this network for ``follow``; on the CPU its weights (1, M) are the network's own memory."""
        return State(self.network.weights.cpu().numpy()[None])

    def advance(self, weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        """``n_steps`` updates from ``weights`` (1, M), in place.

        Returns, in an array of one, the number of updates after which a weight was first not finite, or -1.
        """
        return np.array([self._thread.run(self._stretch, weights, first_step, n_steps)])

    def _stretch(self, weights: np.ndarray, first_step: int, n_steps: int) -> int:
        ours = self.network.weights
        shared = ours.device.type == "cpu" and ours.data_ptr() == weights.ctypes.data
        if not shared:
            ours.copy_(torch.from_numpy(weights[0]))
        for step in range(first_step, first_step + n_steps):
            if self._diverged_at >= 0:
                break
            self._update(step)
            # At every update: a date that depends on how a run is cut into stretches would depend on the clock.
            if not self._finite():
                self._diverged_at = step + 1
        if not shared:
            weights[0] = ours.cpu().numpy()
        return self._diverged_at

    def _update(self, step: int) -> None:
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
