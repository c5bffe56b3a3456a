"""How networks are trained into a basin: a part of the ensembles and of the scans."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from quench.config.base import Section, key

Positive = Annotated[int, Field(ge=1)]


class SGD(Section):
    """How networks are brought into a basin before the measured dynamics."""

    learning_rate: float = key(..., "step size of SGD", gt=0)
    batch_size: Positive = key(100, "samples a step", unit="samples")
    epochs: int = key(..., "passes over the training set", ge=0, unit="epochs")
    polish: tuple[tuple[Positive, Annotated[float, Field(gt=0)]], ...] = key(
        (), "full-batch gradient descent afterwards: pairs of epochs and step size (KWJ Sec. III.1)"
    )
