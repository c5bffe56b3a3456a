"""Data, labels and architecture in the layout of the fused engine: checked once, packed in blocks."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from quench.dynamics.choices import Ensemble
from quench.dynamics.fused import gradient, memory
from quench.dynamics.fused.forward_backward import entry_points
from quench.dynamics.fused.microkernels import BLOCK
from quench.networks.mlp import Architecture
from quench.numerics.subnormals import flushed


class Problem:
    """The data and the architecture: everything but the weights.

    ``x`` (sample, input) and labels ``y`` (sample) in {-1, +1}; the quadratic hinge is
    L_data = (1/P) sum_i max(0, 1 - y_i f(x_i))^2 / 2 (KWJ Eq. 1). Weights are passed as float64 (network, weight).
    ``precision`` is that of the arithmetic inside a gradient. One thread works on a network, so at most as many ``threads``
    are busy as there are networks, and their number changes no bit.

    Raises ``ValueError`` for data that do not fit.
    """

    backend = "fused"
    device = "cpu"

    def __init__(
        self, x: np.ndarray, y: np.ndarray, architecture: Architecture, precision: str = "float32", threads: int = 1
    ) -> None:
        x, y = np.asarray(x), np.asarray(y)
        if precision not in {"float32", "float64"}:
            raise ValueError(f"precision must be float32 or float64, not {precision!r}")
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        if x.ndim != 2 or x.shape[1] != architecture.inputs or len(x) == 0 or x.dtype.kind not in "fiu":
            raise ValueError(f"x must be numbers (sample, {architecture.inputs}) with samples, not {x.dtype} {x.shape}")
        if y.shape != (len(x),) or not np.isin(y, (-1, 1)).all():
            raise ValueError("y must hold one label, -1 or +1, per sample")
        self.architecture = architecture
        self.n_samples = len(x)
        self.threads = threads
        self.dtype = np.dtype(precision)
        with np.errstate(over="ignore"):
            x = x.astype(self.dtype)
        if not np.isfinite(x).all():
            raise ValueError(f"x holds a value that is not finite in {precision}")
        width, depth = architecture.width, architecture.depth
        tile = memory.tile_size(width, depth, self.dtype.itemsize)
        self.shape = memory.Shape(architecture.inputs, width, depth, tile, *entry_points(precision))
        self.data = _pack(x, y)
        self._workspaces: queue.SimpleQueue[memory.Workspace] = queue.SimpleQueue()
        self._pool: ThreadPoolExecutor | None = None

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Gradient of the data loss, float64 (network, weight); NaN for a network with non-finite weights."""
        weights = self.checked(weights)
        result = np.full(weights.shape, np.nan)

        def one(network: int, work: memory.Workspace) -> None:
            gradient.mean_gradient(self.shape, work, self.data, weights[network], result[network])

        self.each(one, np.flatnonzero(np.isfinite(weights).all(axis=1)))
        return result

    def loss(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data loss and share of samples with positive hinge, float64 (network); NaN for non-finite weights."""
        weights = self.checked(weights)
        data_loss, share = np.full((2, len(weights)), np.nan)

        def one(network: int, work: memory.Workspace) -> None:
            data_loss[network], share[network] = gradient.mean_loss(self.shape, work, self.data, weights[network])

        self.each(one, np.flatnonzero(np.isfinite(weights).all(axis=1)))
        return data_loss, share

    def checked(self, weights: np.ndarray, in_place: bool = False) -> np.ndarray:
        """``weights`` as compiled code takes them; ``in_place`` if it writes to them."""
        expected = (len(weights), self.architecture.n_weights)
        if not in_place:
            weights = np.require(weights, np.float64, ["C", "A", "W"])
        elif weights.dtype != np.float64 or not weights.flags.carray:
            raise ValueError("weights must be a writeable, C-contiguous float64 array to be updated in place")
        if weights.shape != expected:
            raise ValueError(f"weights must be (network, {expected[1]}), not {weights.shape}")
        return weights

    def advance(
        self,
        stretch: Callable[..., int],
        ensemble: Ensemble,
        weights: np.ndarray,
        first_step: int,
        n_steps: int,
        *parameters: Any,
    ) -> np.ndarray:
        """Apply compiled ``stretch`` to every network; int64 (network), the update at which it diverged, or -1."""
        weights = self.checked(weights, in_place=True)
        if len(ensemble.seeds) != len(weights):
            raise ValueError("there must be one seed for every network")
        if first_step < 0 or n_steps < 0 or first_step + n_steps >= 2**63:
            raise ValueError(f"steps must lie between 0 and 2^63, not {first_step} ... {first_step + n_steps}")
        keys, stream = np.array(ensemble.seeds, dtype=np.uint64), np.uint64(ensemble.stream)
        shared = (first_step, n_steps, float(ensemble.weight_decay), *parameters)

        def one(network: int, work: memory.Workspace) -> int:
            return stretch(self.shape, work, self.data, weights[network], keys[network], stream, *shared)

        return np.array(self.each(one, np.arange(len(weights))), dtype=np.int64)

    def each(self, work_on: Callable[[int, memory.Workspace], Any], networks: np.ndarray) -> list[Any]:
        """``work_on(network, workspace)`` for each of the networks, one thread per network; the results in order."""

        def borrowing(network: int) -> Any:
            with self._workspace() as work, flushed():
                return work_on(int(network), work)

        if self.threads == 1 or len(networks) < 2:
            return [borrowing(network) for network in networks]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="network")
        return list(self._pool.map(borrowing, networks))

    @contextmanager
    def _workspace(self) -> Iterator[memory.Workspace]:
        try:
            work = self._workspaces.get_nowait()
        except queue.Empty:
            work = memory.workspace(self.shape, self.architecture.n_weights, self.dtype)
        try:
            yield work
        finally:
            self._workspaces.put(work)


def _pack(x: np.ndarray, y: np.ndarray) -> memory.Data:
    n_samples, inputs = x.shape
    n_blocks = -(-n_samples // BLOCK)
    padded = np.zeros((n_blocks * BLOCK, inputs), x.dtype)
    padded[:n_samples] = x
    blocks = memory.aligned(padded.size, x.dtype)
    blocks[:] = padded.reshape(n_blocks, BLOCK, inputs).transpose(0, 2, 1).ravel()
    labels = memory.aligned(n_blocks * BLOCK, x.dtype)
    labels[:n_samples] = y
    line = memory.CACHE_LINE // x.itemsize
    columns = -(-(inputs + 1) // line) * line
    rows = memory.aligned(n_samples * columns, x.dtype).reshape(n_samples, columns)
    rows[:, :inputs] = x
    rows[:, inputs] = y
    return memory.Data(blocks, rows, labels, n_samples)
