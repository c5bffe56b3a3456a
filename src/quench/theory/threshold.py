"""The transitions of the spherical p-spin glass, the end of its ageing, and the states that remember their start.

For any covariance f (``quench.theory.covariance``); ``k_B = 1``. After a quench from infinite temperature to ``T < T_MCT``
the asymptotic solution of Cugliandolo & Kurchan (1993, Phys. Rev. Lett. 71, 173) ages on the marginal threshold states:
the fast part of C decays from 1 to q, the slow part from q to 0 with one fluctuation-dissipation ratio X. For pure p this
is where the energy ends; for mixed models it need not be (Folena, Franz & Ricci-Tersenghi 2020, Phys. Rev. X 10, 031045).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from quench.errors import QuenchError
from quench.theory.covariance import Covariance

# Where a function of q in (0, 1) is searched for its maximum or for a change of sign; denser near both ends.
_OVERLAPS = (1 - np.cos(np.pi * np.arange(1, 4000) / 4000)) / 2


def dynamical_temperature(f: Covariance) -> float:
    """``T_MCT^2 = max_q f'(q) (1-q) / q``, where equilibrium dynamics first stops; sqrt(3/8) for p = 3.

    Raises ``QuenchError`` with a random field (f'(0) > 0), where C never decays to 0.
    """
    return _transition(f)[1]


def static_temperature(f: Covariance) -> float:
    """``T_K^2 = max_q f(q) / (-ln(1-q) - q)``, down to which the average over the couplings is annealed.

    0.586 for p = 3 (Crisanti & Sommers 1992, Z. Phys. B 87, 341; Talagrand 2006, Probab. Theory Relat. Fields 134, 339).
    Raises ``QuenchError`` with a random field.
    """
    _without_field(f)

    def square(q: float) -> float:
        return float(f.f(q)) / (-math.log1p(-q) - q)

    bracket = _around_peak(np.vectorize(square))
    found = minimize_scalar(lambda q: -square(q), bounds=bracket, method="bounded", options={"xatol": 1e-9})
    # At q = 0 its limit is f''(0).
    return math.sqrt(max(-float(found.fun), float(f.d2f(0.0))))


def edwards_anderson(f: Covariance, temperature: float) -> float:
    """``q_EA``, the plateau of C: largest root of ``f''(q) (1-q)^2 = T^2`` (marginality), 1 at T = 0.

    Raises ``QuenchError`` above ``T_MCT``, where C decays to 0, and where f'' is such that the slow part of C has more
    than one fluctuation-dissipation ratio. The same holds for the functions below.
    """
    return 1 - _distance(f, temperature)


def fdt_violation(f: Covariance, temperature: float) -> float:
    """``X = (1-q) (q f''(q) / f'(q) - 1) / q``: the slow modes obey ``R = (X/T) dC/dt'``; 1 at ``T_MCT``, 0 at T = 0."""
    distance = _distance(f, temperature)
    return distance * _violation_over_distance(f, 1 - distance)


def slow_response(f: Covariance, temperature: float) -> float:
    """``X/T``, the slope of -chi against C in the slow part, the inverse of an effective temperature; also at T = 0."""
    distance = _distance(f, temperature)
    # (1 - q) / T = f''(q)^(-1/2).
    return _violation_over_distance(f, 1 - distance) / math.sqrt(f.d2f(1 - distance))


def threshold_energy(f: Covariance, temperature: float) -> float:
    """``E_th = -[f(1) - f(q)]/T - (X/T) f(q)`` per spin: ``-sqrt(2 (p-1)/p)`` for pure p at T = 0."""
    distance = _distance(f, temperature)
    return -_over_temperature(f.terms, f, distance) - slow_response(f, temperature) * float(f.f(1 - distance))


def asymptotic_multiplier(f: Covariance, temperature: float) -> float:
    """``mu_inf = T + [f'(1) - q f'(q)]/T + (X/T) q f'(q)``: ``T - p E_th`` for pure p."""
    distance = _distance(f, temperature)
    radial = tuple((k, k * a) for k, a in f.terms)
    slow = (1 - distance) * float(f.df(1 - distance))
    return temperature + _over_temperature(radial, f, distance) + slow_response(f, temperature) * slow


def equilibrium_energy(f: Covariance, temperature: float) -> float:
    """``E = -f(1)/T`` per spin: annealed equilibrium, which a quench to above ``T_MCT`` reaches."""
    if not temperature > 0:
        raise QuenchError(f"equilibrium energy: temperature must be positive, got {temperature}")
    return -float(f.f(1.0)) / temperature


class Followed(NamedTuple):
    """A state of equilibrium after gradient descent to its minimum: overlap m with its start, E, mu and chi."""

    overlap: float
    energy: float
    multiplier: float
    response: float


def following_temperature(f: Covariance) -> float:
    """``T_SF``: states of lower T0 end in a minimum of their own at T = 0; ``T_MCT`` for pure p, below it for mixed f."""
    return _initial_temperature(f, _marginal_overlap(f))


def followed_state(f: Covariance, initial_temperature: float) -> Followed:
    """The state of a system in equilibrium at T0 < ``T_SF``, followed to T = 0 by gradient descent.

    ``chi = m / (b f'(m))``, ``1/chi = f'(1) chi + b m f'(m)``, stable where ``f''(1) chi^2 < 1``; mu = 1/chi + f''(1) chi,
    ``E = -f'(1) chi - b f(m)``, b = 1/T0. Hence ``T0 = f'(m) sqrt((1 - m^2)/f'(1)) / m`` and ``chi^2 = (1 - m^2)/f'(1)``.
    Below the static transition the state is not one of equilibrium but a planted one. Raises ``QuenchError`` at T0 >= T_SF.
    """
    limit = following_temperature(f)
    if not 0 < initial_temperature < limit:
        raise QuenchError(
            f"state following, {f}: initial temperature must lie between 0 and T_SF = {limit:.6g}, "
            f"got {initial_temperature:g}"
        )
    m = brentq(lambda m: _initial_temperature(f, m) - initial_temperature, _marginal_overlap(f), 1.0, xtol=1e-15)
    chi = math.sqrt((1 - m**2) / float(f.df(1.0)))
    energy = -float(f.df(1.0)) * chi - float(f.f(m)) / initial_temperature
    return Followed(m, energy, 1 / chi + float(f.d2f(1.0)) * chi, chi)


def _initial_temperature(f: Covariance, m: float) -> float:
    return float(f.df(m)) / m * math.sqrt((1 - m**2) / float(f.df(1.0)))


def _marginal_overlap(f: Covariance) -> float:
    """m of the state that is just stable, ``f''(1) chi^2 = 1``."""
    _without_field(f)
    ratio = float(f.df(1.0)) / float(f.d2f(1.0))
    if ratio >= 1:
        raise QuenchError(f"state following, {f}: the spins freeze continuously; no state is followed")
    return math.sqrt(1 - ratio)


def _violation_over_distance(f: Covariance, q: float) -> float:
    return float(f.d2f(q) / f.df(q)) - 1 / q


def _over_temperature(terms: tuple[tuple[int, float], ...], f: Covariance, distance: float) -> float:
    """``[h(1) - h(q)]/T`` of h = sum_k terms[k] C^k, 1 - q = ``distance`` and T = (1-q) sqrt(f''(q)); also at T = 0."""
    root = math.sqrt(f.d2f(1 - distance))
    if distance == 0:
        return sum(k * a for k, a in terms) / root
    # Near T = 0 both terms of the difference are close to h(1).
    return sum(-a * math.expm1(k * math.log1p(-distance)) for k, a in terms) / (distance * root)


def _transition(f: Covariance) -> tuple[float, float]:
    """Plateau and temperature of the dynamical transition; the plateau is 0 where the transition is continuous."""
    _without_field(f)
    low, high = _around_peak(lambda q: f.df(q) * (1 - q) / q)
    q = brentq(lambda q: float(q * f.d2f(q) * (1 - q) - f.df(q)), low, high, xtol=1e-16) if low else 0.0
    square = float(f.df(q) * (1 - q) / q) if low else float(f.d2f(0.0))
    return q, math.sqrt(square)


def _distance(f: Covariance, temperature: float) -> float:
    """``1 - q_EA``, solved for directly: near T = 0 it is small and q alone would lose its digits."""
    plateau, limit = _transition(f)
    # The plateau of a continuous transition starts at 0, where X is not defined.
    if not 0 <= temperature <= limit or (plateau == 0 and temperature == limit):
        raise QuenchError(f"threshold, {f}: temperature must lie between 0 and T_MCT = {limit:.6g}, got {temperature}")

    def excess(distance: float) -> float:
        return distance * math.sqrt(f.d2f(1 - distance)) - temperature

    _one_ratio(f)
    largest = 1 - plateau
    # Rounding may leave T_MCT itself a hair outside the bracket.
    if excess(largest) <= 0:
        return largest
    return float(brentq(excess, 0.0, largest, xtol=1e-300, rtol=8.9e-16))


def _one_ratio(f: Covariance) -> None:
    """Raise ``QuenchError`` unless f''^(-1/2) is convex, ``3 f'''^2 >= 2 f'' f''''``, so that slow modes share one X.

    Otherwise they have a hierarchy of time scales, one for each q (Cugliandolo & Le Doussal 1996, Phys. Rev. E 53, 1525).
    """
    first, second = 3 * f.d3f(_OVERLAPS) ** 2, 2 * f.d2f(_OVERLAPS) * f.d4f(_OVERLAPS)
    if np.any(first < second * (1 - 1e-9)):
        raise QuenchError(f"threshold, {f}: the slow modes have more than one fluctuation-dissipation ratio")


def _around_peak(function: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Neighbours in ``_OVERLAPS`` of the point where a function is largest; 0 below the first."""
    best = int(np.argmax(function(_OVERLAPS)))
    return float(_OVERLAPS[best - 1]) if best else 0.0, float(_OVERLAPS[min(best + 1, _OVERLAPS.size - 1)])


def _without_field(f: Covariance) -> None:
    if f.field:
        raise QuenchError("p-spin: with a random field (a term k = 1) C never decays to 0: there is no transition")
