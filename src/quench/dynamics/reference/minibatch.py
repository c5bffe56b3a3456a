"""Plain SGD of one classifier in torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from quench.dynamics.batches import DataOrder
from quench.dynamics.trajectory import State
from quench.networks.classifier import Classifier
from quench.numerics.random import integers, stream_id
from quench.numerics.subnormals import FlushedThread

_AUGMENTATION = stream_id("augmentation")
_PADDING = 4  # pixels
_SHIFTS = 2 * _PADDING + 1


class Descent:
    """Updates of any network on any device, as ``quench.dynamics.minibatch.descent`` declares them.

    ``weight_decay`` lambda adds lambda w to every gradient of a batch; with ``augmentation`` "crop_flip" every batch is
    ``augmented``.
    """

    def __init__(
        self,
        network: Classifier,
        images: Tensor,
        classes: Tensor,
        order: DataOrder | None,
        rate: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        augmentation: str = "none",
    ) -> None:
        self.network, self.images, self.classes = network, images, classes
        self.order, self.rate, self.momentum = order, rate, momentum
        self.weight_decay, self.augmentation = weight_decay, augmentation
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
        if self.augmentation == "crop_flip":
            x = augmented(x, self.order.seed, step)
        if self.velocity is None and not self.weight_decay:
            self.network.descend(x, y, self.rate)
            return
        self.network.compute_gradient(x, y)
        direction = self.network.gradient
        if self.weight_decay:
            direction.add_(self.network.weights, alpha=self.weight_decay)
        if self.velocity is not None:
            direction = self.velocity.mul_(self.momentum).add_(direction)
        self.network.weights.sub_(direction, alpha=self.rate)

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


def augmented(x: Tensor, seed: int, step: int) -> Tensor:
    """The batch ``x`` (sample, channel, row, column), each image shifted and perhaps reflected, keyed by (seed, step).

    An image is padded by 4 pixels of 0, the mean, and cropped to its size at one of 9 x 9 places; half are mirrored left
    to right (He et al. 2016, Sec. 4.2).
    """
    rows, columns = x.shape[2:]
    padded = F.pad(x, [_PADDING] * 4)
    drawn = integers(seed, _AUGMENTATION, step, len(x), 2 * _SHIFTS**2)
    mirrored, place = np.divmod(drawn, _SHIFTS**2)
    crops = [
        image[:, top : top + rows, left : left + columns]
        for image, top, left in zip(padded, *(part.tolist() for part in np.divmod(place, _SHIFTS)), strict=True)
    ]
    result = torch.stack([crop.flip(2) if mirror else crop for crop, mirror in zip(crops, mirrored, strict=True)])
    return result.contiguous(memory_format=torch.channels_last)
