"""What the fused classifiers are tested against: torch's automatic differentiation in float64."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from quench.networks.classifier import Classifier, NegativeLogLikelihood, SigmoidSquaredError
from quench.numerics.random import integers, normals, uniforms

LOSSES = {"negative log-likelihood": NegativeLogLikelihood, "squared error of sigmoids": SigmoidSquaredError}


def data(sizes, n_samples: int, seed: int = 0, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Images (sample, input) of size one and classes (sample)."""
    images = normals(seed, 1, 0, n_samples * sizes[0]).reshape(n_samples, sizes[0]).astype(dtype)
    return images, integers(seed, 2, 0, n_samples, sizes[-1])


def weights(sizes, seed: int = 0, scale: float = 1.0, dtype: type = np.float64) -> np.ndarray:
    """PyTorch-like initial weights and biases, times ``scale``."""
    layers = pairwise(sizes)
    bounds = np.concatenate([np.full((below + 1) * above, below**-0.5) for below, above in layers])
    return (scale * bounds * (2 * uniforms(seed, 3, 0, bounds.size) - 1)).astype(dtype)


def classifier(sizes, loss: str, flat: np.ndarray) -> Classifier:
    """The same network in torch, of the precision of its weights."""
    layers: list[nn.Module] = []
    for below, above in pairwise(sizes):
        layers += [nn.Linear(below, above, dtype=torch.from_numpy(flat).dtype), nn.ReLU()]
    network = Classifier(nn.Sequential(*layers[:-1]), LOSSES[loss]())
    network.weights.copy_(torch.from_numpy(flat))
    return network


def sample_gradients(network: Classifier, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Gradient of every sample's own loss, float64 (sample, weight)."""
    x, y = torch.from_numpy(images), torch.from_numpy(classes)
    rows = []
    for s in range(len(y)):
        network.gradient.zero_()
        network.loss(network.module(x[s : s + 1]), y[s : s + 1]).backward()
        rows.append(network.gradient.numpy().copy())
    return np.array(rows)
