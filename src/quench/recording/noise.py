"""The sum of the noise that a Langevin loop has added to each recorded weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from quench.errors import QuenchError
from quench.recording.weights import Weights


class Noise:
    """Adds up the noise of each update, in float64 on its device; of a sample only the recorded weights are read.

    ``weights`` of ``networks`` models; ``so_far`` (network, weight): the sum before the first update that is added.
    """

    def __init__(self, weights: Weights, networks: int, so_far: np.ndarray | None = None) -> None:
        self._weights, self._networks = weights, networks
        self._start = np.zeros((networks, weights.header["n_weights"])) if so_far is None else so_far
        self._sums: list[list[torch.Tensor]] = []

    def add(self, noise: Any) -> None:
        """Add the noise of one update: tensors like the trained parameters, in their order or by name.

        Of several models, a list with an entry for each. Raises ``QuenchError`` for anything else.
        """
        networks = [noise] if self._networks == 1 else noise
        if not isinstance(networks, Sequence) or len(networks) != self._networks:
            raise QuenchError(f"noise: one entry for each of the {self._networks} models, not {_what(noise)}")
        pieces = [list(self._weights.pieces(self._ordered(one), torch.float64)) for one in networks]
        if not self._sums:
            self._sums = [self._split(row, parts) for row, parts in zip(self._start, pieces, strict=True)]
        for sums, parts in zip(self._sums, pieces, strict=True):
            for total, part in zip(sums, parts, strict=True):
                total.add_(part.to(total.device))

    def read(self) -> np.ndarray:
        """The sum so far, float64 (network, weight)."""
        if not self._sums:
            return self._start.copy()
        return np.stack([np.concatenate([total.cpu().numpy() for total in sums]) for sums in self._sums])

    def _ordered(self, given: Any) -> list[torch.Tensor]:
        """The noise of one network in the order of its trained parameters."""
        shapes = self._weights.shapes
        if isinstance(given, Mapping):
            if given.keys() != shapes.keys():
                wrong = min(given.keys() ^ shapes.keys(), key=str)
                raise QuenchError(f"noise: {wrong!r} is {'missing' if wrong in shapes else 'no trained parameter'}")
            given = [given[name] for name in shapes]
        if not isinstance(given, Sequence) or len(given) != len(shapes):
            raise QuenchError(f"noise: one tensor for each of the {len(shapes)} trained parameters, not {_what(given)}")
        for one, (name, shape) in zip(given, shapes.items(), strict=True):
            if not isinstance(one, torch.Tensor) or tuple(one.shape) != shape:
                raise QuenchError(f"noise: a tensor of shape {shape} for {name!r}, not {_what(one)}")
        return list(given)

    @staticmethod
    def _split(row: np.ndarray, pieces: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """``row`` in parts on the devices of ``pieces``."""
        parts = torch.from_numpy(row.copy()).split([len(piece) for piece in pieces])
        return [part.clone().to(piece.device) for part, piece in zip(parts, pieces, strict=True)]


def _what(given: Any) -> str:
    if isinstance(given, torch.Tensor):
        return f"one of shape {tuple(given.shape)}"
    return f"{len(given)}" if isinstance(given, Sequence | Mapping) else type(given).__name__
