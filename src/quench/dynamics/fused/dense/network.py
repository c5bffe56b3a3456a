"""A fully connected classifier in the fused engine: its arrays are checked here, before compiled code takes them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from quench.dynamics.fused.dense import descent, memory
from quench.dynamics.fused.dense.losses import NEGATIVE_LOG_LIKELIHOOD, SIGMOID_SQUARED_ERROR
from quench.dynamics.fused.dense.passes import entry_points
from quench.numerics.subnormals import flushed

LOSSES = {"negative log-likelihood": NEGATIVE_LOG_LIKELIHOOD, "squared error of sigmoids": SIGMOID_SQUARED_ERROR}
SAMPLINGS = {"full": descent.FULL, "epoch": descent.EPOCH, "iid": descent.IID}


class Batches(NamedTuple):
    """The samples of every update, by number. ``period`` updates share one draw, with the key (seed, stream, draw).

    "epoch": a draw is a permutation of all samples, cut into batches of ``size``; "iid": independent numbers; "full":
    every update takes all samples, and the other fields have no meaning.
    """

    sampling: str
    seed: int
    stream: int
    size: int
    period: int


class Measured(NamedTuple):
    """Losses and right answers (sample), outputs (sample, class), and, if requested, squared norms of the gradients of
    single samples (sample) and their mean (weight)."""

    losses: np.ndarray
    right: np.ndarray
    outputs: np.ndarray
    squares: np.ndarray
    gradient: np.ndarray


class Network:
    """``sizes`` are the units of all layers, inputs and classes included; ReLU is between layers, ``loss`` at the end.

    Weights are flat: for each layer the matrix (unit, unit below), then the biases. ``precision`` is that of weights and
    arithmetic. Only one thread at a time may use a network. All methods raise ``ValueError`` for arrays that do not fit.
    """

    def __init__(self, sizes: Sequence[int], loss: str, precision: str = "float32") -> None:
        if precision not in {"float32", "float64"}:
            raise ValueError(f"precision must be float32 or float64, not {precision!r}")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"layers need units, inputs and classes among them, not {tuple(sizes)}")
        self.sizes = tuple(int(size) for size in sizes)
        self.dtype = np.dtype(precision)
        self.n_weights = sum((below + 1) * above for below, above in pairwise(self.sizes))
        table = memory.table(self.sizes)
        self._shape = memory.Shape(table, len(sizes) - 1, LOSSES[loss], *entry_points(precision))
        self._work = memory.workspace(table, self.dtype)

    def descend(
        self,
        weights: np.ndarray,
        images: np.ndarray,
        classes: np.ndarray,
        batches: Batches,
        *,
        rate: float,
        first_step: int,
        n_steps: int,
        momentum: float = 0.0,
        velocity: np.ndarray | None = None,
    ) -> int:
        """Updates w <- w - rate v, v <- momentum v + grad L_batch, of ``weights`` and ``velocity`` (weight) in place.

        ``images`` (sample, input) and ``classes`` int64 (sample). Returns the number of updates, counted from step 0,
        after which an output or a weight was first not finite, or -1. A diverged network keeps the weights that it
        diverged with.
        """
        self._check(images, classes)
        velocity = np.empty(0, self.dtype) if velocity is None else velocity
        for name, values in {"weights": weights, "velocity": velocity}.items():
            expected = self.n_weights if name == "weights" or momentum > 0 else velocity.size
            if values.shape != (expected,) or values.dtype != self.dtype or not values.flags.carray:
                raise ValueError(f"{name} must be a writeable {self.dtype} array ({expected}) to be updated in place")
        size, period = (len(classes), 1) if batches.sampling == "full" else (batches.size, batches.period)
        order = np.empty(size * period if batches.sampling == "iid" else len(classes), np.int64)
        key = (SAMPLINGS[batches.sampling], np.uint64(batches.seed), np.uint64(batches.stream), size, period)
        with flushed():
            return descent.stretch(
                self._shape,
                self._work,
                weights,
                velocity,
                images,
                classes,
                order,
                key,
                float(rate),
                float(momentum),
                first_step,
                n_steps,
            )

    def measure(
        self, weights: np.ndarray, images: np.ndarray, classes: np.ndarray, gradients: bool = False
    ) -> Measured:
        """Losses and outputs of all samples at these ``weights`` (weight), and their ``gradients``."""
        self._check(images, classes)
        n, shape = len(classes), (self.n_weights,)
        if weights.shape != shape or weights.dtype != self.dtype or not weights.flags.c_contiguous:
            raise ValueError(f"weights must be {self.dtype} {shape}, not {weights.dtype} {weights.shape}")
        found = Measured(
            np.empty(n),
            np.empty(n, np.bool_),
            np.empty((n, self.sizes[-1]), self.dtype),
            np.empty(n if gradients else 0),
            np.empty(self.n_weights if gradients else 0, self.dtype),
        )
        with flushed():
            descent.measure(self._shape, self._work, weights, images, classes, np.arange(n), *found)
        return found

    def _check(self, images: np.ndarray, classes: np.ndarray) -> None:
        shape = (len(classes), self.sizes[0])
        if images.shape != shape or images.dtype != self.dtype or not images.flags.c_contiguous or not len(classes):
            raise ValueError(f"images must be {self.dtype} {shape} with samples, not {images.dtype} {images.shape}")
        if classes.dtype != np.int64 or classes.ndim != 1 or classes.min() < 0 or classes.max() >= self.sizes[-1]:
            raise ValueError(f"classes must be int64 (sample) between 0 and {self.sizes[-1] - 1}")
