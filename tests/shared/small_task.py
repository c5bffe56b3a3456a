"""A small problem of the reference backend in float64, with each loss as a reader would write it."""

import numpy as np
import torch

from quench.dynamics.reference.problem import Problem
from quench.networks.mlp import Architecture, initial_weights

ARCHITECTURE = Architecture(inputs=4, width=5, depth=2)
SAMPLES = 40
SEEDS = (3, 8)

PLAIN = {
    "quadratic_hinge": lambda f, y: torch.relu(1 - y * f).square() / 2,
    "logistic": lambda f, y: torch.nn.functional.binary_cross_entropy_with_logits(f, (y + 1) / 2, reduction="none"),
    "mse": lambda f, y: torch.nn.functional.mse_loss(f, y, reduction="none") / 2,
}


def problem(loss, scale=1.0):
    rng = np.random.default_rng(0)
    x = scale * rng.normal(size=(SAMPLES, ARCHITECTURE.inputs))
    y = rng.normal(size=SAMPLES) if loss == "mse" else rng.choice([-1.0, 1.0], SAMPLES)
    return Problem(x, y, ARCHITECTURE, precision="float64", loss=loss)


def networks():
    """Weights (network, weight), one network for each of ``SEEDS``."""
    return 2 * np.stack([initial_weights(ARCHITECTURE, seed) for seed in SEEDS])
