"""Seconds of the reference core (one core of an AMD EPYC 9005 with AVX-512, see docs/performance.md) per piece of work.

Fits to measurements, good to about ten percent for the dominant terms. The rules import this module, so it does not import
torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from quench.config.classifiers import Classifier
from quench.data.sources import find
from quench.networks.models import MODELS, layer_widths

# Floating-point operations of a gradient per weight and sample: 2 in the forward pass, 4 in the backward pass.
GRADIENT = 6
# Share of a full-batch gradient that the fused engine computes in a basin, where it skips the samples beyond the margin:
# between 0.34 and 1 (docs/performance.md), 0.6 over the Langevin runs of the default scenario.
IN_BASIN = 0.75
# Of the published residual networks: multiplications per sample of 32 x 32 pixels, width, weights, layers.
_RESIDUAL = {
    "D": (0.56e9, 64, 11.2e6, 21),
    "ResNet-34": (1.16e9, 64, 21.3e6, 37),
    "WideResNet": (5.2e9, 160, 36.5e6, 29),
}


def mlp_weights(inputs: int, width: int, depth: int) -> int:
    """Number of weights N of KWJ's network."""
    return inputs * width + (depth - 1) * width**2 + width


def gradient(n_weights: int, width: int, samples: int, backend: str) -> float:
    """One update of one network with a gradient over ``samples`` samples."""
    operations = GRADIENT * n_weights * samples
    if backend != "fused":
        return 500e-6 + operations / 30e9
    # Samples come in vectors of 32; narrow layers leave registers unused.
    lanes = 32 * -(-samples // 32)
    return n_weights * (0.7e-9 + GRADIENT * lanes / (220e9 * width / (width + 2)))


def noise(n_weights: int) -> float:
    """The Langevin noise of one update of one network."""
    return 1.3e-9 * n_weights


def snapshot(n_weights: int, width: int, samples: int, backend: str) -> float:
    """One snapshot of one network, and its losses."""
    return 50e-6 + gradient(n_weights, width, samples, backend) / 2 + 20e-9 * n_weights


def _layers(channels: int, side: int, convolutions: Sequence[int], dense: Sequence[int]) -> tuple[int, float]:
    """Weights and multiplications per sample of 5 x 5 convolutions, each with 2 x 2 pooling, and of dense layers."""
    n_weights, products = 0, 0.0
    for filters in convolutions:
        side -= 4
        kernel = 25 * channels * filters
        n_weights, products = n_weights + kernel + filters, products + kernel * side**2
        channels, side = filters, side // 2
    connected = sum(a * b + b for a, b in pairwise((channels * side**2, *dense)))
    return n_weights + connected, products + connected


class Model:
    """Size and speed of a classifier of BJ: weights M, multiplications per sample, seconds of its parts."""

    def __init__(self, section: Classifier) -> None:
        source = find(section.source)
        channels, side, _ = source.shape
        channels, side = section.channels or channels, (section.side or side) // section.pool
        widths = layer_widths(section.model, section.widths, section.multiplier)
        kind = MODELS[section.model].kind
        self.residual, self.dense = kind == "residual", kind == "dense"
        if self.residual:
            products, width, n_weights, layers = _RESIDUAL.get(section.model, _RESIDUAL["D"])
            scale = (widths[-1] / width) ** 2
            self.n_weights, self.products = int(n_weights * scale) + 1, products * scale * (side / 32) ** 2
            self.overhead, self.rate = 350e-6 * layers, 110e9
        else:
            convolutions = () if self.dense else widths[:2]
            self.n_weights, self.products = _layers(
                channels, side, convolutions, (*widths[len(convolutions) :], source.n_classes)
            )
            self.overhead, self.rate = (60e-6, 80e9) if self.dense else (1000e-6, 55e9)

    def step(self, batch: int) -> float:
        return self.overhead + GRADIENT * batch * self.products / self.rate

    def forward(self, samples: int) -> float:
        return self.overhead + 2e-6 * samples + 2 * samples * self.products / 40e9

    def probe(self, section: Classifier, train: int, test: int) -> float:
        """One measurement of losses, accuracies and gradient noise."""
        method = section.noise
        if method == "auto":
            method = "minibatches" if self.residual else "exact" if self.dense and train <= 5000 else "sampled"
        if method == "exact":
            return 1e-3 + 1e-6 * train + GRADIENT * train * self.products / 40e9 + self.forward(test)
        gradients = (
            section.noise_batches * self.step(section.batch_size)
            if method == "minibatches"
            else GRADIENT * section.noise_draws * self.products / 20e9
        )
        return 1e-3 + gradients + self.forward(train + test)

    def comparison(self) -> float:
        """One displacement between two configurations."""
        return 20e-6 + 0.7e-9 * self.n_weights


def spins(n_spins: int, replicas: int) -> float:
    """One time step of one realisation of the 3-spin glass."""
    return 1e-4 + 14e-6 * n_spins + 2 * 2 * replicas * n_spins**3 / 3 / 50e9


def quench(t_max: float, resolution: str) -> float:
    """Solution of one quench of the glass, on a grid that grows with the square of the decades from 10^-3 on."""
    decades = max(1.0, math.log10(t_max) + 3)
    return {"fast": 0.05, "standard": 0.1, "fine": 0.3}[resolution] * decades**2


def spectrum(n_weights: int, products: float, samples: int, method: str, vectors: int) -> float:
    """One Hessian spectrum; a Hessian product costs two gradients."""
    if method == "full":
        return 2 * GRADIENT * n_weights * samples * products / 50e9 + 5e-10 * n_weights**3
    return vectors * (2e-3 + 2 * GRADIENT * samples * products / 30e9 + 1e-7 * n_weights)
