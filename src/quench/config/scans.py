"""Section of phase-diagram scans: the final loss over a grid of widths and regularisation strengths (KWJ Fig. 1, A3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from quench.config.base import Positive, Section, key
from quench.config.preparation import SGD

Strength = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Scan(Section):
    """Networks trained at every point of a grid widths x weight_decays; a network has the same seed at every point."""

    PLANNING = frozenset({"widths", "weight_decays", "seeds", "first_seed", "chunk"})

    dataset: Name = key(..., "a name from the data section", names=("data",))
    widths: tuple[Positive, ...] = key(..., "n, units in every hidden layer", min_length=1)
    weight_decays: tuple[Strength, ...] = key(..., "lambda, strengths of the L2 regularisation", min_length=1)
    depth: Positive = key(6, "hidden layers")
    seeds: int = key(10, "networks at each point; their seeds are first_seed, first_seed + 1, ...", ge=1)
    first_seed: int = key(0, "seed of the first network", ge=0, le=2**62)
    chunk: Positive | None = key(
        None, "grid points per job; null takes compute.scan_chunk, or what compute.job_minutes implies"
    )
    sgd: SGD = key(..., "training")

    @model_validator(mode="after")
    def _distinct(self) -> Scan:
        for field in ("widths", "weight_decays"):
            values = getattr(self, field)
            if len(set(values)) != len(values):
                raise ValueError(f"{field} contains a value twice")
        return self

    @property
    def members(self) -> range:
        """Numbers of the grid points, which are divided into chunks."""
        return range(len(self.points))

    @property
    def points(self) -> list[tuple[int, float]]:
        """(width, lambda) of every grid point, lambda fastest."""
        return [(width, strength) for width in self.widths for strength in self.weight_decays]
