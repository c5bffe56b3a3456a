"""The end of a quench of the spherical p-spin glass: threshold energy, plateau and fluctuation-dissipation violation.

Energy ``E = -sum J sigma ... sigma / N`` with ``Var J = p! / (2 N^{p-1})`` and ``sum sigma^2 = N``, so that
``f(C) = C^p / 2``; ``k_B = 1``. After a quench from infinite temperature to ``T < T_d`` the system ages for ever on the
marginal threshold states (Cugliandolo & Kurchan 1993, Phys. Rev. Lett. 71, 173; Baity-Jesi et al. 2018, Fig. 1).
"""

from __future__ import annotations

import math

from scipy.optimize import brentq

from quench.errors import QuenchError


def dynamical_temperature(p: int) -> float:
    """``T_d = sqrt(p (p-2)^{p-2} / (2 (p-1)^{p-1}))``, where equilibrium dynamics first stops; sqrt(3/8) for p = 3."""
    _require_model(p)
    return math.sqrt(p / (2 * (p - 1)) * ((p - 2) / (p - 1)) ** (p - 2))


def edwards_anderson(p: int, temperature: float) -> float:
    """``q_EA``, the plateau of C: largest root of ``(p (p-1) / 2) q^{p-2} (1-q)^2 = T^2`` (marginality).

    From ``(p-2)/(p-1)`` at ``T_d`` to 1 at T = 0. Raises ``QuenchError`` above ``T_d``, where C decays to 0.
    """
    return 1 - _distance(p, temperature)


def fdt_violation(p: int, temperature: float) -> float:
    """``X = (p-2)(1-q)/q``: the slow modes obey ``R = (X/T) dC/dt'`` at effective temperature T/X; 1 at ``T_d``."""
    distance = _distance(p, temperature)
    return (p - 2) * distance / (1 - distance)


def threshold_energy(p: int, temperature: float) -> float:
    """``E_th = -[1 - q^p + X q^p] / (2T)`` per spin, the limit of the ageing energy; ``-sqrt(2 (p-1)/p)`` at T = 0."""
    distance = _distance(p, temperature)
    if temperature == 0:
        return -math.sqrt(2 * (p - 1) / p)
    log_power = p * math.log1p(-distance)
    return -(-math.expm1(log_power) + fdt_violation(p, temperature) * math.exp(log_power)) / (2 * temperature)


def asymptotic_multiplier(p: int, temperature: float) -> float:
    """``mu_inf = T - p E_th``, the limit of the Lagrange multiplier that holds the sphere: ``E = (T - mu) / p``."""
    return temperature - p * threshold_energy(p, temperature)


def equilibrium_energy(temperature: float) -> float:
    """``E = -1 / (2T)`` per spin for any p: equilibrium (annealed), which a quench to above ``T_d`` reaches."""
    if not temperature > 0:
        raise QuenchError(f"equilibrium energy: temperature must be positive, got {temperature}")
    return -1 / (2 * temperature)


def _distance(p: int, temperature: float) -> float:
    """``1 - q_EA``, solved for directly: near T = 0 it is small and q alone would lose its digits."""
    limit = dynamical_temperature(p)
    if not 0 <= temperature <= limit:
        raise QuenchError(
            f"threshold of the {p}-spin model: temperature must lie between 0 and T_d = {limit:.6g}, got {temperature}"
        )
    scale = math.sqrt(p * (p - 1) / 2)

    def excess(distance: float) -> float:
        return scale * (1 - distance) ** ((p - 2) / 2) * distance - temperature

    largest = 1 / (p - 1)
    # Rounding may leave T_d itself a hair outside the bracket.
    if excess(largest) <= 0:
        return largest
    return brentq(excess, 0.0, largest, xtol=1e-300, rtol=8.9e-16)


def _require_model(p: int) -> None:
    if not (p == int(p) and p >= 3):
        raise QuenchError(f"spherical p-spin model: p must be a whole number of at least 3, got {p}")
