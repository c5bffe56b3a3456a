"""Look up a quantity by name, measure it, and compare its interval with the allowed range: one of three verdicts."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Mapping
from typing import Any

import xarray as xr

import quench.claims
from quench.claims.measured import QUANTITIES, Measured, Missing, Quantity
from quench.errors import QuenchError, nearest

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
INCONCLUSIVE = "inconclusive"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE)


def find(name: str) -> Quantity:
    """The quantity ``module.function`` of ``quench.claims``; imports that module alone.

    Raises ``QuenchError`` with the nearest name for an unknown one.
    """
    module, _, function = name.partition(".")
    modules = [found.name for found in pkgutil.iter_modules(quench.claims.__path__)]
    if module not in modules:
        raise QuenchError(f"quantity {name!r}: no module {module!r}{nearest(module, modules)}")
    importlib.import_module(f"quench.claims.{module}")
    known = QUANTITIES.get(module, {})
    if function not in known:
        raise QuenchError(f"quantity {name!r}: no such quantity{nearest(function, known)}; known: {', '.join(known)}")
    return known[function]


def measure(quantity: Quantity, figures: list[xr.Dataset], arguments: Mapping[str, Any]) -> Measured:
    """The measured quantity; NaN with the reason where the figures lack what it needs (``Missing``).

    Any other exception is a mistake in the code and is not caught.
    """
    try:
        return quantity(*figures, **arguments)
    except Missing as reason:
        return Measured(math.nan, reason=str(reason))


def verdict(measured: Measured, allowed: tuple[float, float]) -> tuple[str, float, str]:
    """The verdict, its margin and its reason, which may be empty: one rule for all claims.

    Reproduced: the interval lies inside the allowed range. Not reproduced: the two are disjoint. Inconclusive: anything
    else, also where there is no interval. A number that needs no interval (``exact``) is its own. The margin, in units of
    the quantity, is the distance of the interval from the nearest limit; it is negative for an inconclusive verdict: by this
    much the interval would have to shrink.
    """
    low, high = (measured.value, measured.value) if measured.exact else (measured.low, measured.high)
    if math.isnan(measured.value) or math.isnan(low) or math.isnan(high):
        return INCONCLUSIVE, math.nan, measured.reason or "no value"
    outside = max(allowed[0] - low, high - allowed[1])
    apart = max(allowed[0] - high, low - allowed[1])
    if outside <= 0:
        return REPRODUCED, -outside, ""
    if apart > 0:
        return NOT_REPRODUCED, apart, measured.reason
    return INCONCLUSIVE, max(-outside, apart), "the interval reaches across a limit of the allowed range"


def row(claim: Any, figures: Mapping[str, xr.Dataset], scenario: str, meaningless: Mapping[str, str]) -> dict[str, Any]:
    """One row of the table of claims: the declared claim, its measured value and its verdict in ``scenario``.

    ``claim``: a ``quench.config.claims.Claim``. ``figures``: plotted numbers by name. ``meaningless``: scenarios that can
    judge no claim, and why. ``plain`` is the verdict by the numbers alone, also where the scale of the scenario forbids one.
    """
    quantity = find(claim.quantity)
    missing = [name for name in claim.reads if name not in figures]
    if missing:
        measured = Measured(math.nan, reason=f"this scenario draws no {missing[0]}")
    else:
        measured = measure(quantity, [figures[name] for name in claim.reads], claim.arguments)
    plain, margin, reason = verdict(measured, claim.allowed)
    outcome = plain
    if scenario in meaningless:
        outcome, reason = INCONCLUSIVE, meaningless[scenario]
    elif claim.scenarios and scenario not in claim.scenarios:
        outcome, reason = INCONCLUSIVE, claim.elsewhere
    return {
        "id": claim.id,
        "paper": claim.paper,
        "figure": claim.figure,
        "statement": claim.statement,
        "expected": claim.expected,
        "value": _number(measured.value),
        "bound": "beyond" if measured.beyond else "",
        "low": _number(measured.low),
        "high": _number(measured.high),
        "no_interval": measured.exact,
        "n_networks": measured.n_networks or None,
        "verdict": outcome,
        "plain": plain,
        "margin": _number(margin),
        "reason": reason,
        "allowed": _range(*claim.allowed),
        "why": claim.why,
        "excludes": f"{claim.excludes[0]} ({claim.excludes[1]:g})",
        "quantity": claim.quantity,
        "reads": " ".join(claim.reads),
    }


def _number(value: float) -> float | str | None:
    """Six digits; None for NaN and the word for infinity, since JSON has neither."""
    if math.isnan(value):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _range(low: float, high: float) -> str:
    if low == high:
        return f"{low:g}"
    if math.isinf(low):
        return f"≤ {high:g}"
    return f"≥ {low:g}" if math.isinf(high) else f"{low:g} … {high:g}"
