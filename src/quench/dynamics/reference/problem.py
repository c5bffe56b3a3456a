"""Loss and gradient of an ensemble of networks in torch, the backward pass written out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from quench.dynamics.reference.losses import LOSSES
from quench.networks.mlp import Architecture
from quench.numerics.subnormals import flush, flushed

# Samples per pass: activations stay in cache on a CPU, and fill an accelerator.
CHUNK = {"cpu": 2048}
ACCELERATOR_CHUNK = 65536


class Problem:
    """The data and the architecture: everything but the weights.

    ``x`` (sample, input) and labels ``y`` (sample), -1 and +1 unless the ``loss`` is mse; ``precision`` of the arithmetic.
    Weights are passed as float64 (network, weight); L_data = (1/P) sum_i l(f(x_i), y_i) with the loss l of a sample, by
    default the quadratic hinge max(0, 1 - y f)^2 / 2 (KWJ Eq. 1; the others: ``quench.dynamics.reference.losses``).

    On a CPU each network is computed alone, by one of ``threads`` threads: batched products round differently for another
    number of networks, and how an ensemble is cut into jobs must change no bit. On an accelerator the ensemble is one batch.
    """

    backend = "reference"

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        architecture: Architecture,
        precision: str = "float32",
        threads: int = 1,
        device: str = "cpu",
        loss: str = "quadratic_hinge",
    ) -> None:
        x, y = np.asarray(x), np.asarray(y)
        if x.ndim != 2 or x.shape[1] != architecture.inputs or len(x) == 0:
            raise ValueError(f"x must be (sample, {architecture.inputs}) with samples, not {x.shape}")
        self.kind = LOSSES[loss]
        if y.shape != (len(x),) or (self.kind.binary and not np.isin(y, (-1, 1)).all()):
            raise ValueError(
                "y must hold one label, -1 or +1, per sample" if self.kind.binary else "y must be (sample)"
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ValueError("x or y holds a value that is not finite")
        self.architecture = architecture
        self.n_samples = len(x)
        self.dtype = getattr(torch, precision)
        self.device = torch.device(device)
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        torch.set_num_threads(1)
        self.x = torch.as_tensor(x, dtype=self.dtype, device=self.device)
        self.y = torch.as_tensor(y, dtype=self.dtype, device=self.device)
        self.chunk = CHUNK.get(self.device.type, ACCELERATOR_CHUNK)

    def loss(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data loss and share of samples with a margin y f below 1, float64 (network); NaN for non-finite weights."""
        sums = self._by_network(self._loss_sums, self.master_weights(weights)).cpu().numpy() / self.n_samples
        # max(0, NaN) may be 0: a diverged network must not look perfectly trained.
        sums[~np.isfinite(weights).all(axis=1)] = np.nan
        return sums[:, 0], sums[:, 1]

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Gradient of the data loss, float64 (network, weight)."""
        return self.mean_gradient(self.master_weights(weights)).cpu().numpy()

    def master_weights(self, weights: np.ndarray) -> torch.Tensor:
        """A copy of the weights on the device, float64 (network, weight)."""
        return torch.tensor(weights, dtype=torch.float64, device=self.device)

    def mean_gradient(self, masters: torch.Tensor, batch: torch.Tensor | None = None) -> torch.Tensor:
        """Gradient of the mean loss over all samples, or over ``batch``, sample numbers (network, sample); float64.

        Nothing leaves the device.
        """
        if batch is None:
            return self._by_network(self._gradient, masters)
        return self._by_network(self._batch_gradient, masters, batch)

    def _by_network(self, work: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
        """``work(*tensors)``, all of them (network, ...): one network at a time on a CPU, together elsewhere."""
        if self.device.type != "cpu":
            return work(*tensors)
        rows = [tuple(tensor[i : i + 1] for tensor in tensors) for i in range(len(tensors[0]))]
        if self.threads == 1 or len(rows) < 2:
            with flushed():
                return torch.cat([work(*row) for row in rows])
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, initializer=_one_flushed_thread)
        return torch.cat(list(self._pool.map(lambda row: work(*row), rows)))

    def _loss_sums(self, masters: torch.Tensor) -> torch.Tensor:
        """Sum of the losses and number of active samples, float64 (network, 2)."""
        layers = self._layers(self._rounded(masters))
        sums = torch.zeros((len(masters), 2), dtype=torch.float64, device=self.device)
        for start in range(0, self.n_samples, self.chunk):
            labels = self.y[start : start + self.chunk]
            outputs = self._outputs(layers, self.x[start : start + self.chunk])[0]
            sums[:, 0] += self.kind.value(outputs, labels).sum(dim=1)
            sums[:, 1] += (1 - labels * outputs > 0).double().sum(dim=1)
        return sums

    def _gradient(self, masters: torch.Tensor) -> torch.Tensor:
        return self._mean_gradient(masters, self.x, self.y)

    def _batch_gradient(self, masters: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        return self._mean_gradient(masters, self.x[batch], self.y[batch])

    def _mean_gradient(self, masters: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """For x (sample, input) of all networks or (network, sample, input), and y likewise."""
        weights = self._rounded(masters)
        layers = self._layers(weights)
        gradient = torch.zeros_like(weights)
        slots = self._layers(gradient)
        n_samples = y.shape[-1]
        for start in range(0, n_samples, self.chunk):
            window = slice(start, start + self.chunk)
            labels = y[..., window]
            outputs, activations = self._outputs(layers, x[..., window, :])
            delta = (self.kind.slope(outputs, labels) / n_samples).unsqueeze(2)  # dL/df, (network, sample, 1)
            for index in reversed(range(len(layers))):
                inputs = activations[index]
                slots[index] += delta.transpose(1, 2) @ inputs
                if index > 0:
                    delta = (delta @ layers[index]) * (inputs > 0)
        return gradient.double()

    def _rounded(self, masters: torch.Tensor) -> torch.Tensor:
        # A copy even in float64: a product may round differently for another alignment in memory.
        return masters.to(self.dtype, copy=True)

    def _layers(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """Views (network, outputs, inputs) of flat weights (network, weight)."""
        offsets = self.architecture.offsets
        return [
            weights[:, start:stop].view(-1, *shape)
            for start, stop, shape in zip(offsets[:-1], offsets[1:], self.architecture.shapes, strict=True)
        ]

    def _outputs(self, layers: list[torch.Tensor], x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """f(x) (network, sample), and the input of every layer (network, sample, units)."""
        signal = x.expand(len(layers[0]), *x.shape[-2:])
        activations = []
        for index, layer in enumerate(layers):
            activations.append(signal)
            signal = signal @ layer.transpose(1, 2)
            if index < len(layers) - 1:
                signal = signal.clamp(min=0)
        return signal.squeeze(2), activations


def _one_flushed_thread() -> None:
    torch.set_num_threads(1)
    flush()
