"""SGD of fully connected classifiers in compiled code, and what is measured of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from quench.dynamics.batches import DataOrder
from quench.dynamics.fused.dense.network import Batches, Measured, Network
from quench.dynamics.trajectory import State
from quench.networks.classifier import (
    Classifier,
    DenseClassifier,
    Evaluation,
    NegativeLogLikelihood,
    SigmoidSquaredError,
)
from quench.numerics.sums import mean

_LOSSES = {NegativeLogLikelihood: "negative log-likelihood", SigmoidSquaredError: "squared error of sigmoids"}
_FULL = Batches("full", seed=0, stream=0, size=0, period=0)


class FusedClassifier(DenseClassifier):
    """``network``, in the same memory, with losses and gradients from the fused engine: fully connected, on the CPU.

    Its results do not depend on threads or on the processor.
    """

    def __init__(self, network: Classifier) -> None:
        vars(self).update(vars(network))
        layers = [layer for layer in self.module.modules() if isinstance(layer, nn.Linear)]
        sizes = [layers[0].in_features, *(layer.out_features for layer in layers)]
        self.engine = Network(sizes, _LOSSES[type(self.loss)], str(self.weights.numpy().dtype))

    def evaluate(self, x: Tensor, y: Tensor) -> Evaluation:
        return _evaluation(self._measured(x, y))

    def full_gradient(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.from_numpy(self._measured(x, y, gradients=True).gradient)

    def gradient_squares(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Evaluation]:
        """Squared norms of the gradients of single samples, float64 (sample), their mean (M), and the losses."""
        found = self._measured(x, y, gradients=True)
        return torch.from_numpy(found.squares), torch.from_numpy(found.gradient), _evaluation(found)

    def _measured(self, x: Tensor, y: Tensor, gradients: bool = False) -> Measured:
        return self.engine.measure(self.weights.numpy(), x.numpy(), y.numpy(), gradients)


def _evaluation(found: Measured) -> Evaluation:
    return Evaluation(mean(found.losses), mean(found.right), torch.from_numpy(found.outputs))


class Descent:
    """Updates of a fully connected network on the CPU, as ``quench.dynamics.minibatch.descent`` declares them."""

    def __init__(
        self,
        network: Classifier,
        images: Tensor,
        classes: Tensor,
        order: DataOrder | None,
        rate: float,
        momentum: float = 0.0,
    ) -> None:
        self.network = FusedClassifier(network)
        self.images, self.classes = images.numpy(), classes.numpy()
        self.batches = _FULL if order is None else _batches(order)
        self.rate, self.momentum = rate, momentum
        self.velocity = np.zeros_like(self.network.weights.numpy()) if momentum else None
        self._diverged_at = -1

    def state(self) -> State:
        """A ``State`` whose weights (1, M) are the network's own memory."""
        return State(self.network.weights.numpy()[None])

    def advance(self, weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        """``n_steps`` updates of the ``weights`` (1, M) of ``state()``, in place.

        Returns, in an array of one, the number of updates after which an output or a weight was first not finite, or -1.
        """
        if not np.shares_memory(weights, self.network.weights.numpy()):
            raise ValueError("weights must be those of state()")
        if self._diverged_at < 0:
            self._diverged_at = self.network.engine.descend(
                weights[0],
                self.images,
                self.classes,
                self.batches,
                rate=self.rate,
                momentum=self.momentum,
                velocity=self.velocity,
                first_step=first_step,
                n_steps=n_steps,
            )
        return np.array([self._diverged_at])

    def memory(self) -> dict[str, np.ndarray]:
        """The velocity, which ``State`` does not hold."""
        return {} if self.velocity is None else {"velocity": self.velocity.copy()}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        if self.velocity is not None:
            self.velocity[...] = memory["velocity"]


def _batches(order: DataOrder) -> Batches:
    return Batches(order.sampling, order.seed, order.stream, order.batch_size, order.period)
