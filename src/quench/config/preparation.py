"""Preparation of networks in a basin: a part of the ensembles and scans sections."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from quench.config.base import Positive, Section, key


class SGD(Section):
    """Training of the networks into a basin, before the measured dynamics."""

    learning_rate: float = key(..., "step size of SGD", gt=0)
    batch_size: Positive = key(100, "samples per update", unit="samples")
    epochs: int = key(..., "passes over the training set", ge=0, unit="epochs")
    polish: tuple[tuple[Positive, Annotated[float, Field(gt=0)]], ...] = key(
        (),
        "subsequent full-batch gradient descent: pairs of epochs and step size (KWJ Sec. III.1)",
        examples=[((50, 0.05), (50, 0.005))],
    )
    high_loss: float = key(
        0.4, "share of the data loss at W = 0 above which a network is in the long-lived state of high loss", gt=0, lt=1
    )
