"""From a measured value and an allowed range to one of three verdicts, and the look-up of quantities by name."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable

import xarray as xr

import quench.claims
from quench.claims.measured import Measured
from quench.errors import QuenchError, nearest

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
CANNOT = "cannot be judged at this scale"


Quantity = Callable[..., Measured]
"""``quantity(*figures, **arguments)``: plotted numbers of the figures that a claim reads, in its order."""


def find(name: str) -> Quantity:
    """The function ``module.function`` under ``quench.claims``; only those in the module's ``QUANTITIES`` count.

    Raises ``QuenchError`` with the nearest name for an unknown one.
    """
    module, _, function = name.partition(".")
    modules = [found.name for found in pkgutil.iter_modules(quench.claims.__path__)]
    if module not in modules:
        raise QuenchError(f"quantity {name!r}: no module {module!r}{nearest(module, modules)}")
    table = getattr(importlib.import_module(f"quench.claims.{module}"), "QUANTITIES", ())
    known = {entry.__name__: entry for entry in table}
    if function not in known:
        raise QuenchError(f"quantity {name!r}: no such quantity{nearest(function, known)}; known: {', '.join(known)}")
    return known[function]


def measure(quantity: Quantity, figures: list[xr.Dataset], arguments: dict) -> Measured:
    """The quantity; an input that lacks what it needs (a phase, a temperature) is told as a reason, never a crash."""
    try:
        return quantity(*figures, **arguments)
    except (KeyError, IndexError, ValueError) as error:
        return Measured(math.nan, reason=f"the figure lacks what this needs: {error}")


def verdict(measured: Measured, allowed: tuple[float, float]) -> tuple[str, str]:
    """The verdict and, where there is something to say, why.

    Reproduced: the value lies in the allowed range. Not reproduced: it lies outside, and so does its whole interval.
    Cannot be judged: no value; or outside with an interval that reaches inside; or inside a one-sided range with an
    interval that reaches outside, or inside a two-sided one with an interval more than twice as wide as that range.
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
        return CANNOT, "the value lies outside the allowed range, its interval reaches inside"
    return NOT_REPRODUCED, measured.reason
