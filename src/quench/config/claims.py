"""The declared claims of config/claims.yaml: statement, quantity and allowed range of each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from quench.config.base import Section, key
from quench.config.scenario import read_file
from quench.errors import QuenchError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Claim(Section):
    """One claim. Its range is exactly one of ``expected`` (with ``tolerance``), ``between``, ``at_least``, ``at_most``."""

    id: str = key(..., "unique; contains the paper and the figure", pattern=r"^[a-z0-9][a-z0-9.-]*$")
    paper: str = key(..., "KWJ, BJ, theory for the solved glass, or ours for a claim of neither paper")
    figure: str = key(..., "figure, section or appendix of the paper")
    statement: str = key(..., "the claim in our words")
    quantity: str = key(..., "module.function under quench.claims", pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")
    reads: tuple[Name, ...] = key(..., "figures whose plotted numbers the quantity is computed from", min_length=1)
    arguments: dict[str, Any] = key({}, "arguments of the quantity")
    expected: float | None = key(None, "value in the paper")
    tolerance: float | None = key(None, "allowed distance from the expected value", ge=0)
    between: tuple[float, float] | None = key(None, "allowed range")
    at_least: float | None = key(None, "lowest allowed value")
    at_most: float | None = key(None, "highest allowed value")
    why: str = key(..., "reason for the allowed range")
    excludes: tuple[str, float] = key(..., "a wrong result that the range excludes, and its value")
    scenarios: tuple[Name, ...] = key((), "scenarios that can judge the claim; by default all")
    elsewhere: str = key("", "why other scenarios cannot judge it")

    @model_validator(mode="after")
    def _one_range(self) -> Claim:
        given = [self.expected, self.between, self.at_least, self.at_most]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of expected, between, at_least, at_most")
        if (self.expected is None) != (self.tolerance is None):
            raise ValueError("expected and tolerance belong together")
        if self.scenarios and not self.elsewhere:
            raise ValueError("give the reason why the other scenarios cannot judge it in elsewhere")
        if self.allowed[0] <= self.excludes[1] <= self.allowed[1]:
            raise ValueError(f"excludes: {self.excludes[1]:g} lies in the allowed range, so that the range cannot fail")
        return self

    @property
    def allowed(self) -> tuple[float, float]:
        """Ends of the allowed range, infinite where it is one-sided."""
        if self.expected is not None and self.tolerance is not None:
            return self.expected - self.tolerance, self.expected + self.tolerance
        if self.between is not None:
            return self.between
        low = float("-inf") if self.at_least is None else self.at_least
        return low, float("inf") if self.at_most is None else self.at_most


class Claims(Section):
    """All claims; ``meaningless`` names scenarios that can judge none of them, with the reason."""

    meaningless: dict[Name, str] = key({}, "scenarios that can judge no claim, and why")
    claims: tuple[Claim, ...] = key(..., "all claims")

    @model_validator(mode="after")
    def _distinct(self) -> Claims:
        seen: set[str] = set()
        for claim in self.claims:
            if claim.id in seen:
                raise ValueError(f"claim {claim.id!r} is repeated")
            seen.add(claim.id)
        return self


def load(path: str | Path) -> Claims:
    """The claims in a YAML file. Raises ``QuenchError`` with the claim and key of the first mistake."""
    content = read_file(path)
    try:
        return Claims.model_validate(content)
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        place = [str(part) for part in mistake["loc"]]
        if len(place) > 1 and place[0] == "claims":
            entry = content["claims"][int(place[1])]
            place[:2] = [f"claim {entry.get('id', place[1]) if isinstance(entry, dict) else place[1]}"]
        raise QuenchError(f"{path}: {'.'.join(place)}: {mistake['msg'].removeprefix('Value error, ')}") from None
