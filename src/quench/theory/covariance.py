"""The spherical mixed p-spin model: N f(q) is the covariance of the energies of two configurations with overlap q.

    H = -sum_k sum_{i1 < ... < ik} J_{i1 ... ik} s_i1 ... s_ik,   Var J = k! a_k / N^{k-1},   sum s_i^2 = N,
    f(C) = sum_k a_k C^k,   a_k >= 0.

The pure p-spin model has a_p = 1/2 alone; a_1 is the variance of a random field.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quench.errors import QuenchError

LARGEST_K = 50


def power(x: Any, n: int) -> NDArray[np.float64]:
    """x^n for a small integer n >= 0, by multiplication: an order of magnitude faster than the general power."""
    result = np.ones_like(x, dtype=float)
    for _ in range(n):
        result *= x
    return result


@dataclass(frozen=True)
class Polynomial:
    """sum_k ``coefficients``[k] x^(``low`` + k), of an array or a number."""

    coefficients: tuple[float, ...]
    low: int

    @classmethod
    def of(cls, terms: Mapping[int, float]) -> Polynomial:
        """sum_k terms[k] x^k."""
        if not terms:
            return cls((0.0,), 0)
        low, high = min(terms), max(terms)
        return cls(tuple(terms.get(k, 0.0) for k in range(low, high + 1)), low)

    def over(self, number: float) -> Polynomial:
        """The polynomial divided by ``number``."""
        return Polynomial(tuple(coefficient / number for coefficient in self.coefficients), self.low)

    def __call__(self, x: Any) -> Any:
        # Horner's rule; a single term is its coefficient times a power.
        value: Any = self.coefficients[-1]
        for coefficient in self.coefficients[-2::-1]:
            value = value * x + coefficient
        return value * power(x, self.low)


@dataclass(frozen=True)
class Covariance:
    """f(C) = sum_k a_k C^k, from its ``terms`` (k, a_k): k from 1 to 50, each once, a_k > 0, some k >= 2.

    Raises ``QuenchError`` for others.
    """

    terms: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        spins = [k for k, _ in self.terms]
        for k, a in self.terms:
            if not (k == int(k) and 1 <= k <= LARGEST_K):
                raise QuenchError(f"p-spin: {k:g}:{a:g}: k must be an integer from 1 to {LARGEST_K}")
            if not 0 < a < np.inf:
                raise QuenchError(f"p-spin: {k}:{a:g}: a_k must be positive, as a variance is")
            if spins.count(k) > 1:
                raise QuenchError(f"p-spin: the term k = {k} occurs twice")
        if max(spins, default=0) < 2:
            raise QuenchError("p-spin: f(C) needs a term k >= 2; without one the spins do not interact")
        object.__setattr__(self, "terms", tuple(sorted((int(k), float(a)) for k, a in self.terms)))

    @classmethod
    def pure(cls, p: int) -> Covariance:
        """f(C) = C^p / 2, p >= 2."""
        if p == 1:
            raise QuenchError("p-spin: p must be at least 2")
        return cls(((p, 0.5),))

    @property
    def p(self) -> int | None:
        """p of the pure model; None of any other."""
        (k, a), *others = self.terms
        return k if a == 0.5 and not others else None

    @property
    def field(self) -> float:
        """Variance a_1 of the random field."""
        return dict(self.terms).get(1, 0.0)

    def __str__(self) -> str:
        return f"p = {self.p}" if self.p else "f(C) = " + " + ".join(f"{a:g} C^{k}" for k, a in self.terms)

    def _derivative(self, order: int) -> Polynomial:
        found = dict(self.terms)
        for _ in range(order):
            found = {k - 1: k * a for k, a in found.items() if k}
        return Polynomial.of(found)

    @functools.cached_property
    def f(self) -> Polynomial:
        return self._derivative(0)

    @functools.cached_property
    def df(self) -> Polynomial:
        """f'."""
        return self._derivative(1)

    @functools.cached_property
    def d2f(self) -> Polynomial:
        """f''."""
        return self._derivative(2)

    @functools.cached_property
    def d3f(self) -> Polynomial:
        """f'''."""
        return self._derivative(3)

    @functools.cached_property
    def d4f(self) -> Polynomial:
        """f''''."""
        return self._derivative(4)

    @functools.cached_property
    def g(self) -> Polynomial:
        """(C f')' = f' + C f''."""
        return Polynomial.of({k - 1: k**2 * a for k, a in self.terms})

    @functools.cached_property
    def dg(self) -> Polynomial:
        """g' = 2 f'' + C f'''."""
        return Polynomial.of({k - 2: k**2 * (k - 1) * a for k, a in self.terms if k > 1})
