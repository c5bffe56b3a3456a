"""Loss and gradient of an ensemble of networks in torch, batched over the ensemble, the backward pass written out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from quench.networks.mlp import Architecture

# Samples per pass: activations of an ensemble stay in cache on a CPU and in memory on a GPU.
CHUNK = {"cpu": 2048, "cuda": 65536, "mps": 65536}


class Problem:
    """The data and the architecture: everything but the weights.

    ``x`` (sample, input) and labels ``y`` (sample) in {-1, +1}; ``precision`` of the arithmetic. Weights are passed as
    float64 (network, weight); the quadratic hinge is L_data = (1/P) sum_i max(0, 1 - y_i f(x_i))^2 / 2 (KWJ Eq. 1).
    On a CPU every network is computed by itself, by one of ``threads`` threads, so that its bits do not depend on how
    many others there are; on an accelerator the ensemble is one batch.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        architecture: Architecture,
        precision: str = "float32",
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        x, y = np.asarray(x), np.asarray(y)
        if x.ndim != 2 or x.shape[1] != architecture.inputs or len(x) == 0:
            raise ValueError(f"x must be (sample, {architecture.inputs}) with samples, not {x.shape}")
        if y.shape != (len(x),) or not np.isin(y, (-1, 1)).all():
            raise ValueError("y must hold one label, -1 or +1, per sample")
        if not np.isfinite(x).all():
            raise ValueError("x holds a value that is not finite")
        # Inside one network's products a second thread would change the order of the sums.
        torch.set_num_threads(1)
        self.pool = (
            ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) if threads > 1 else None
        )
        self.architecture = architecture
        self.n_samples = len(x)
        self.dtype = getattr(torch, precision)
        self.device = torch.device(device)
        self.x = torch.as_tensor(x, dtype=self.dtype, device=self.device)
        self.y = torch.as_tensor(y, dtype=self.dtype, device=self.device)
        self.chunk = CHUNK.get(self.device.type, 2048)

    def loss(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data loss and share of samples with positive hinge, float64 (network); NaN for non-finite weights."""
        data_loss, share = self._each_network(self._loss, self.to_device(weights)).cpu().numpy().T.copy()
        # max(0, NaN) may be 0: a lost network must not look perfectly trained.
        lost = ~np.isfinite(weights).all(axis=1)
        data_loss[lost] = share[lost] = np.nan
        return data_loss, share

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Gradient of the data loss, float64 (network, weight)."""
        return self.mean_gradient(self.to_device(weights), self.x, self.y).double().cpu().numpy()

    def to_device(self, weights: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(weights, device=self.device).to(self.dtype)

    def layers(self, weights: torch.Tensor) -> list[torch.Tensor]:
        """Views (network, outputs, inputs) of flat weights (network, weight)."""
        offsets = self.architecture.offsets
        return [
            weights[:, start:stop].view(-1, *shape)
            for start, stop, shape in zip(offsets[:-1], offsets[1:], self.architecture.shapes, strict=True)
        ]

    def mean_gradient(self, weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Gradient of the mean loss over the given samples, (network, weight); x (sample, input) or one set a network."""
        if x.ndim == 2:
            return self._each_network(lambda some: self._mean_gradient(some, x, y), weights)
        return self._each_network(self._mean_gradient, weights, x, y)

    def _each_network(self, function: Callable[..., torch.Tensor], *ensemble: torch.Tensor) -> torch.Tensor:
        """``function`` of tensors (network, ...): on a CPU one network at a time, else of the whole ensemble."""
        if self.device.type != "cpu" or not len(ensemble[0]):
            return function(*ensemble)
        # A copy of its own gives every network the same alignment, by which a library may choose its order of sums.
        single = [[values[i : i + 1].clone() for values in ensemble] for i in range(len(ensemble[0]))]
        mapped = self.pool.map(lambda one: function(*one), single) if self.pool else (function(*one) for one in single)
        return torch.cat(list(mapped))

    def _loss(self, weights: torch.Tensor) -> torch.Tensor:
        """Data loss and share of active samples, float64 (network, 2)."""
        layers = self.layers(weights)
        sums = torch.zeros(len(weights), 2, dtype=torch.float64, device=self.device)
        for start in range(0, self.n_samples, self.chunk):
            hinge = self._hinge(layers, self.x[start : start + self.chunk], self.y[start : start + self.chunk])[0]
            sums[:, 0] += hinge.double().square().sum(dim=1) / 2
            sums[:, 1] += (hinge > 0).double().sum(dim=1)
        return sums / self.n_samples

    def _mean_gradient(self, weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        layers = self.layers(weights)
        gradient = torch.zeros_like(weights)
        slots = self.layers(gradient)
        n_samples = y.shape[-1]
        for start in range(0, n_samples, self.chunk):
            window = slice(start, start + self.chunk)
            labels = y[..., window]
            hinge, activations = self._hinge(layers, x[..., window, :], labels)
            delta = (-labels * hinge / n_samples).unsqueeze(2)  # dL/df, (network, sample, 1)
            for index in reversed(range(len(layers))):
                inputs = activations[index]
                slots[index] += delta.transpose(1, 2) @ inputs
                if index > 0:
                    delta = (delta @ layers[index]) * (inputs > 0)
        return gradient

    def _hinge(
        self, layers: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """max(0, 1 - y f) (network, sample), and the input of every layer (network, sample, units)."""
        signal = x.expand(len(layers[0]), *x.shape[-2:])
        activations = []
        for index, layer in enumerate(layers):
            activations.append(signal)
            signal = signal @ layer.transpose(1, 2)
            if index < len(layers) - 1:
                signal = signal.clamp(min=0)
        return (1 - y * signal.squeeze(2)).clamp(min=0), activations
