"""The fully connected, bias-free ReLU network of Kerr Winter & Janssen: shapes, flat weight layout, initial weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quench.numerics.random import stream_id, uniforms


@dataclass(frozen=True)
class Architecture:
    """``inputs`` -> ``width`` x ``depth`` hidden layers -> one output; no biases.

    The weights of a network are one flat vector: layer after layer, each (outputs, inputs) in row-major order.
    N = inputs n + (depth - 1) n^2 + n for width n (KWJ Sec. II).
    """

    inputs: int
    width: int
    depth: int

    def __post_init__(self) -> None:
        if min(self.inputs, self.width, self.depth) < 1:
            raise ValueError(f"inputs, width and depth must be at least 1, not {self}")

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(outputs, inputs) of every layer, input side first."""
        hidden = [(self.width, self.width)] * (self.depth - 1)
        return [(self.width, self.inputs), *hidden, (1, self.width)]

    @property
    def offsets(self) -> list[int]:
        """Where each layer starts in the flat vector; the last entry is the number of weights."""
        return [0, *np.cumsum([rows * columns for rows, columns in self.shapes]).tolist()]

    @property
    def n_weights(self) -> int:
        return self.offsets[-1]

    @property
    def layer_index(self) -> np.ndarray:
        """Layer number (0 at the input) of every weight, int16 (weight)."""
        sizes = [rows * columns for rows, columns in self.shapes]
        return np.repeat(np.arange(len(sizes), dtype=np.int16), sizes)


def initial_weights(architecture: Architecture, seed: int) -> np.ndarray:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for every layer, PyTorch's ``nn.Linear`` default; float64 (weight)."""
    unit = uniforms(seed, stream_id("initial weights"), 0, architecture.n_weights)
    bounds = np.repeat(
        [1 / np.sqrt(columns) for _, columns in architecture.shapes],
        [rows * columns for rows, columns in architecture.shapes],
    )
    weights: np.ndarray = (2 * unit - 1) * bounds
    return weights
