"""The network and its gradient by torch's automatic differentiation in float64, one sample at a time."""

from __future__ import annotations

import numpy as np
import torch

from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import integers, normals


def output(architecture: Architecture, weights: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """f(x) of one network; ``weights`` flat, ``x`` (sample, input)."""
    offsets, signal = architecture.offsets, x
    for index, shape in enumerate(architecture.shapes):
        if index > 0:
            signal = torch.relu(signal)
        signal = signal @ weights[offsets[index] : offsets[index + 1]].reshape(shape).T
    return signal[..., 0]


def hinge_loss(architecture: Architecture, weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """max(0, 1 - y f)^2 / 2 of every sample."""
    return torch.relu(1 - y * output(architecture, weights, x)).square() / 2


def sample_gradients(architecture: Architecture, weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of every sample's own loss, float64 (sample, weight), by automatic differentiation."""

    def loss(flat: torch.Tensor, features: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return hinge_loss(architecture, flat, features[None], label[None])[0]

    per_sample = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return per_sample(*(torch.as_tensor(np.asarray(array, dtype=float)) for array in (weights, x, y))).numpy()


def gradient(architecture: Architecture, weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of the mean loss of one network, float64 (weight)."""
    flat = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    hinge_loss(architecture, flat, torch.as_tensor(x, dtype=torch.float64), torch.as_tensor(y)).mean().backward()
    return flat.grad.numpy()


def case(
    width: int, depth: int, n_samples: int, inputs: int = 10, networks: int = 1, seed: int = 0, labels: str = "random"
) -> tuple[Architecture, np.ndarray, np.ndarray, np.ndarray]:
    """An architecture, data of the size of KWJ's (|x| of order 10), labels and PyTorch-like initial weights."""
    architecture = Architecture(inputs, width, depth)
    x = 3 * normals(seed, 1, 0, n_samples * inputs).reshape(n_samples, inputs).astype(float)
    y = 2 * integers(seed, 2, 0, n_samples, 2) - 1
    if labels != "random":
        y[:] = int(labels)
    weights = np.stack([initial_weights(architecture, 1000 * seed + network) for network in range(networks)])
    return architecture, x, y, weights
