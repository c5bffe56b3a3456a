"""Look up a quantity by name, measure it, and compare it with the allowed range: one of three verdicts."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Mapping
from typing import Any

import xarray as xr

import quench.claims
from quench.claims.measured import QUANTITIES, Measured, Quantity
from quench.errors import QuenchError, nearest

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
CANNOT = "cannot be judged at this scale"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, CANNOT)


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
    """The measured quantity; where the figures lack what it needs (a phase, a temperature), NaN with the reason."""
    try:
        return quantity(*figures, **arguments)
    except (KeyError, IndexError, ValueError) as error:
        return Measured(math.nan, reason=f"the figure lacks what this needs: {error}")


def verdict(measured: Measured, allowed: tuple[float, float]) -> tuple[str, str]:
    """The verdict and its reason, which may be empty.

    Reproduced: the value lies in the allowed range. Not reproduced: the value and its entire interval lie outside.
    Cannot be judged: there is no value; or it lies outside and its interval reaches inside; or it lies inside a one-sided
    range and its interval reaches outside; or it lies inside a two-sided range and its interval is more than twice as
    wide as that range.
    """
    low, high = allowed
    if math.isnan(measured.value):
        return CANNOT, measured.reason or "no value"
    inside = low <= measured.value <= high
    has_interval = not (math.isnan(measured.low) or math.isnan(measured.high))
    if inside and has_interval:
        if not math.isfinite(high - low) and not (low <= measured.low and measured.high <= high):
            return CANNOT, "the interval reaches outside the allowed range"
        if measured.high - measured.low > 2 * (high - low):
            return CANNOT, "the interval is more than twice as wide as the allowed range"
    if inside:
        return REPRODUCED, ""
    if has_interval and measured.low <= high and measured.high >= low:
        return CANNOT, "the value lies outside the allowed range, but its interval reaches inside"
    return NOT_REPRODUCED, measured.reason


def row(claim: Any, figures: Mapping[str, xr.Dataset], scenario: str, meaningless: Mapping[str, str]) -> dict[str, Any]:
    """One row of the table of claims: the declared claim, its measured value and its verdict in ``scenario``.

    ``claim``: a ``quench.config.claims.Claim``. ``figures``: plotted numbers by name. ``meaningless``: scenarios that can
    judge no claim, and why.
    """
    quantity = find(claim.quantity)
    missing = [name for name in claim.reads if name not in figures]
    if missing:
        measured = Measured(math.nan, reason=f"this scenario draws no {missing[0]}")
    else:
        measured = measure(quantity, [figures[name] for name in claim.reads], claim.arguments)
    if scenario in meaningless:
        outcome = CANNOT, meaningless[scenario]
    elif claim.scenarios and scenario not in claim.scenarios:
        outcome = CANNOT, claim.elsewhere
    else:
        outcome = verdict(measured, claim.allowed)
    return {
        "id": claim.id,
        "paper": claim.paper,
        "figure": claim.figure,
        "statement": claim.statement,
        "expected": claim.expected,
        "value": _number(measured.value),
        "low": _number(measured.low),
        "high": _number(measured.high),
        "n_networks": measured.n_networks or None,
        "verdict": outcome[0],
        "reason": outcome[1],
        "allowed": _range(*claim.allowed),
        "why": claim.why,
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
