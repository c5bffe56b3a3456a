"""Glass transitions of the schematic models in closed form: non-ergodicity parameter, critical lines, exponents.

For ``m = v1 phi + v2 phi^2`` the correlator's limit f is the largest root of ``f / (1-f) = v1 f + v2 f^2`` in [0, 1)
(Goetze, Complex Dynamics of Glass-Forming Liquids, 2009). F1 is v2 = 0, F2 is v1 = 0. Kerr Winter & Janssen 2024 (KWJ,
Sec. III C) compare the power law of Q_inf with F2's square-root singularity ``f - f_c ~ (v2 - 4)^{1/2}``.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq
from scipy.special import loggamma

from quench.errors import QuenchError


def nonergodicity(v1: float, v2: float) -> float:
    """``f = lim phi(t)``: 0 in the liquid, ``[v2 - v1 + sqrt((v1 + v2)^2 - 4 v2)] / (2 v2)`` in the glass.

    F1: ``1 - 1/v1`` above 1. F2: ``(1 + sqrt(1 - 4/v2)) / 2`` above 4.
    """
    if not (0 <= v1 < math.inf and 0 <= v2 < math.inf):
        raise QuenchError(f"mode-coupling vertices must be finite and not negative, got {v1}, {v2}")
    if v2 == 0:
        return max(0.0, 1 - 1 / v1) if v1 > 0 else 0.0
    # (v1 + v2)^2 - 4 v2 in a form that is exactly zero on the critical line's F2 end.
    discriminant = v1 * (v1 + 2 * v2) + v2 * (v2 - 4)
    if discriminant < 0:
        return 0.0
    root = math.sqrt(discriminant)
    difference = v2 - v1
    # For v1 > v2 the two terms cancel; the product of the roots of the quadratic is (1 - v1) / v2.
    larger = (difference + root) / (2 * v2) if difference >= 0 else 2 * (v1 - 1) / (root - difference)
    return max(0.0, larger)


def critical_v1(v2: float) -> float:
    """v1 on F12's transition line: 1 (continuous) for ``v2 <= 1``, then ``2 sqrt(v2) - v2`` (jump) to F2's v2 = 4."""
    if not 0 <= v2 <= 4:
        raise QuenchError(f"F12 transition line: v2 must lie between 0 and 4, got {v2}")
    return 1.0 if v2 <= 1 else 2 * math.sqrt(v2) - v2


def critical_plateau(v2: float) -> float:
    """f_c on that line: 0 for ``v2 <= 1``, then ``1 - 1/sqrt(v2)``; 1/2 for F2."""
    critical_v1(v2)
    return 0.0 if v2 <= 1 else 1 - 1 / math.sqrt(v2)


def exponent_parameter(v2: float) -> float:
    """``lambda = (1-f_c)^3 m''(f_c) / 2`` on that line: v2 up to 1, then ``1/sqrt(v2)``; 0 for F1, 1/2 for F2."""
    critical_v1(v2)
    return v2 if v2 <= 1 else 1 / math.sqrt(v2)


def critical_exponent(parameter: float) -> float:
    """a of the critical decay ``phi - f_c ~ t^-a``: ``Gamma(1-a)^2 / Gamma(1-2a) = lambda``, for ``0 <= lambda < 1``.

    1/2 for F1 (lambda = 0), 0.395263 for F2 (lambda = 1/2), falling to 0 as lambda -> 1.
    """
    if not 0 <= parameter < 1:
        raise QuenchError(f"critical exponent: lambda must lie in [0, 1), got {parameter}")
    if parameter == 0:
        return 0.5
    target = math.log(parameter)
    return brentq(lambda a: (2 * loggamma(1 - a) - loggamma(1 - 2 * a)).real - target, 0.0, 0.5 - 1e-16, xtol=1e-16)


def von_schweidler_exponent(parameter: float) -> float:
    """b of the decay from the plateau, ``f_c - phi ~ t^b``: ``Gamma(1+b)^2 / Gamma(1+2b) = lambda``.

    1 for F2. Defined for ``1/2 <= lambda < 1``, where 0 < b <= 1; a jump transition of F12 has no other lambda.
    """
    if not 0.5 <= parameter < 1:
        raise QuenchError(f"von Schweidler exponent: lambda must lie in [1/2, 1), got {parameter}")
    if parameter == 0.5:
        return 1.0
    target = math.log(parameter)
    return brentq(lambda b: (2 * loggamma(1 + b) - loggamma(1 + 2 * b)).real - target, 0.0, 1.0, xtol=1e-16)
