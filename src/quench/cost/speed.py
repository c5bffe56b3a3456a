"""Seconds of the reference core (one core of an AMD EPYC 9005 with AVX-512, see docs/performance.md) per piece of work.

Fits to measurements, good to about ten percent for the dominant terms. The rules import this module, so it does not import
torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from quench.config.classifiers import Classifier
from quench.data.sources import find
from quench.networks.models import MODELS, layer_widths

# Floating-point operations of a gradient per weight and sample: 2 in the forward pass, 4 in the backward pass.
GRADIENT = 6
# Share of a full-batch gradient that the fused engine computes in a basin, where it skips the samples beyond the margin:
# between 0.34 and 1 (docs/performance.md), 0.6 over the Langevin runs of the default scenario.
IN_BASIN = 0.75
# On an accelerator, not measured here: the start of every layer's work, and a tenth of the peak of a data-centre card.
ACCELERATOR_CALL, ACCELERATOR_RATE = 100e-6, 5e12
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
    if backend == "accelerator":
        return ACCELERATOR_CALL + operations / ACCELERATOR_RATE
    if backend != "fused":
        return 500e-6 + operations / 30e9
    # Samples come in vectors of 32; narrow layers leave registers unused.
    lanes = 32 * -(-samples // 32)
    return n_weights * (0.7e-9 + GRADIENT * lanes / (220e9 * width / (width + 2)))


def hessian(n_weights: int, width: int, samples: int, backend: str) -> float:
    """All eigenvalues of one network's Hessian, from gradients in float64, which take twice as long."""
    return 4 * n_weights * gradient(n_weights, width, samples, backend) + 1e-10 * n_weights**3


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


class Pace(NamedTuple):
    """Seconds per call and per sample; operations per second of gradients and of passes forwards."""

    call: float
    sample: float
    gradient: float
    forward: float


FUSED = Pace(0.3e-6, 0.045e-6, 250e9, 180e9)
# Multiplications of the stem for small images over those of torchvision's own, measured on 32 x 32 pixels.
SMALL_STEM = 8.1
TORCH = {"dense": Pace(60e-6, 0.5e-6, 100e9, 40e9), "convolutional": Pace(1000e-6, 2e-6, 55e9, 40e9)}
# More weights than these do not fit the second-level cache: an update waits for them.
CACHED_WEIGHTS = 250_000


class Model:
    """Size and speed of a classifier of BJ on a backend: weights M, multiplications per sample, seconds of its parts.

    ``device`` other than the CPU: an accelerator, of which only the order of magnitude is known.
    """

    def __init__(self, section: Classifier, backend: str, device: str = "cpu") -> None:
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
            self.products /= SMALL_STEM if section.stem == "imagenet" else 1.0
            self.pace = Pace(350e-6 * layers, 2e-6, 110e9, 40e9)
        else:
            convolutions = () if self.dense else widths[:2]
            self.n_weights, self.products = _layers(
                channels, side, convolutions, (*widths[len(convolutions) :], source.n_classes)
            )
            self.pace, layers = FUSED if backend == "fused" else TORCH[kind], 4
        if device != "cpu":
            self.pace = Pace(ACCELERATOR_CALL * layers, 0.0, ACCELERATOR_RATE, ACCELERATOR_RATE)

    def step(self, batch: int) -> float:
        seconds = self.pace.call + self.pace.sample * batch + GRADIENT * batch * self.products / self.pace.gradient
        return seconds + (3e-10 * self.n_weights if self.n_weights > CACHED_WEIGHTS else 0.0)

    def forward(self, samples: int) -> float:
        return self.pace.call + self.pace.sample * samples + 2 * samples * self.products / self.pace.forward

    def probe(self, section: Classifier, train: int, test: int) -> float:
        """One measurement of losses, accuracies and gradient noise."""
        method = section.noise
        if method == "auto":
            method = "minibatches" if self.residual else "exact" if self.dense and train <= 5000 else "sampled"
        if method == "exact":
            gradients = self.pace.sample * train + GRADIENT * train * self.products / self.pace.forward
            return 1e-3 + gradients + self.forward(test)
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
    return {"fast": 0.05, "standard": 0.1, "long": 0.2, "fine": 0.7}[resolution] * decades**2


def spectrum(n_weights: int, products: float, samples: int, method: str, vectors: int) -> float:
    """One Hessian spectrum; a Hessian product costs two gradients."""
    if method == "full":
        return 2 * GRADIENT * n_weights * samples * products / 50e9 + 5e-10 * n_weights**3
    return vectors * (2e-3 + 2 * GRADIENT * samples * products / 30e9 + 1e-7 * n_weights)
