"""A spherical mixed p-spin model and its quench: covariance, temperature of the bath, temperature before t = 0."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quench.errors import QuenchError
from quench.theory.covariance import Covariance


@dataclass(frozen=True)
class Model:
    """Covariance f, ``temperature`` T >= 0 of the bath, and equilibrium at ``initial_temperature`` T0 before t = 0.

    k_B = 1. The average over the couplings is annealed: the start is a typical state of equilibrium for T0 above the static
    transition T_K, and a planted one below.
    """

    covariance: Covariance
    temperature: float
    initial_temperature: float = math.inf

    @property
    def inverse_initial(self) -> float:
        """b = 1/T0."""
        return 1.0 / self.initial_temperature

    @property
    def time_scale(self) -> float:
        """The a of x = ln(1 + t/a): about the time that the response takes to fall, which mu sets."""
        return 2.0 / (self.temperature + 2.0 * float(self.covariance.d2f(1.0)) ** 0.5)

    def stated(self) -> dict[str, Any]:
        """The model as a file states it: a mixed model has no p, a quench from infinite temperature no T0 (null)."""
        start = None if math.isinf(self.initial_temperature) else self.initial_temperature
        terms = [list(term) for term in self.covariance.terms]
        return {"p": self.covariance.p, "terms": terms, "initial_temperature": start, "temperature": self.temperature}

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> Model:
        """The model from what a file states; without terms it is pure, and of three spins where it states no p."""
        terms = stated.get("terms") or [[stated.get("p", 3), 0.5]]
        start = stated.get("initial_temperature") or math.inf
        return cls(Covariance(tuple((k, a) for k, a in terms)), stated["temperature"], start)

    def __str__(self) -> str:
        start = "" if math.isinf(self.initial_temperature) else f"T0 = {self.initial_temperature:g}, "
        return f"p-spin, {self.covariance}, {start}T = {self.temperature:g}"


def quenched(
    p: int | None = None,
    temperature: float = 0.5,
    *,
    terms: Sequence[tuple[int, float]] = (),
    initial_temperature: float | None = None,
) -> Model:
    """The model of f(C) = C^p / 2 (``p`` None: 3), or of ``terms`` (k, a_k), quenched from T0 (None: infinite) to T.

    Raises ``QuenchError`` for values out of range, for both ``p`` and ``terms``, and where the equations do not hold: for T0
    at or below the static transition, and for a finite T0 with a random field (k = 1).
    """
    if p is not None and terms:
        raise QuenchError("p-spin: give p or terms, not both")
    covariance = Covariance(tuple(terms)) if terms else Covariance.pure(3 if p is None else p)
    if not 0 <= temperature < math.inf:
        raise QuenchError(f"p-spin: temperature = {temperature!r} must be finite and at least 0")
    if initial_temperature is None:
        return Model(covariance, float(temperature))
    if not 0 < initial_temperature < math.inf:
        raise QuenchError(f"p-spin: initial temperature = {initial_temperature!r} must be positive and finite")
    if covariance.field:
        raise QuenchError("p-spin: a random field (a term k = 1) needs an infinite initial temperature")
    # T_K^2 is the largest of these, on this grid to within 1 %.
    q = np.linspace(0.005, 0.995, 199)
    if initial_temperature**2 < 1.01 * np.max(covariance.f(q) / (-np.log1p(-q) - q)):
        # Its root finders take time to load.
        from quench.theory import threshold

        limit = threshold.static_temperature(covariance)
        if initial_temperature <= limit:
            raise QuenchError(
                f"p-spin, {covariance}: initial temperature {initial_temperature:g} is not above the static transition"
                f" T_K = {limit:.6g}; the average over the couplings is not annealed there"
            )
    return Model(covariance, float(temperature), float(initial_temperature))
