"""Losses of a sample, and their derivatives with respect to the output f.

| name | loss of a sample | labels y |
| --- | --- | --- |
| quadratic_hinge | max(0, 1 - y f)^2 / 2 (Kerr Winter & Janssen 2024, Eq. 1) | -1, +1 |
| logistic | log(1 + exp(-y f)) | -1, +1 |
| mse | (f - y)^2 / 2 | any number |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn.functional import logsigmoid


class Loss(NamedTuple):
    """``value`` and ``slope`` of outputs f and labels y (..., sample): the value float64, the slope as exact as f is."""

    value: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    binary: bool


def _hinge(f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (1 - y * f).clamp(min=0)


LOSSES = {
    "quadratic_hinge": Loss(lambda f, y: _hinge(f, y).double().square() / 2, lambda f, y: -y * _hinge(f, y), True),
    # Written so that neither a large margin nor a large error overflows.
    "logistic": Loss(lambda f, y: -logsigmoid((y * f).double()), lambda f, y: -y * torch.sigmoid(-y * f), True),
    "mse": Loss(lambda f, y: (f - y).double().square() / 2, lambda f, y: f - y, False),
}
