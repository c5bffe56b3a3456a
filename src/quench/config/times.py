"""Lists of times in the notation of config files and command lines."""

from __future__ import annotations

import math

from quench.dynamics.schedule import geometric
from quench.errors import QuenchError


def listed(text: str, place: str) -> list[float]:
    """Times >= 0 in ``text``, ascending and distinct: items ``5``, or ``0.01:1e7:10`` for 10 per decade in between.

    Log-spaced times are rounded to 12 digits, so that decades are exact. Raises ``QuenchError``, naming ``place``, for
    any other text.
    """
    times: set[float] = set()
    for item in text.split(","):
        try:
            parts = [float(part) for part in item.split(":")]
        except ValueError:
            parts = []
        if not all(math.isfinite(part) and part >= 0 for part in parts):
            parts = []
        if len(parts) == 1:
            times.add(parts[0])
        elif len(parts) == 3 and 0 < parts[0] < parts[1] and parts[2] >= 1:
            first, last, each = parts
            intervals = max(round(math.log10(last / first) * each), 1)
            times |= {float(f"{time:.12g}") for time in geometric(first, last, intervals)[:-1]} | {last}
        else:
            raise QuenchError(
                f"{place}: {item!r} is neither a time >= 0 nor FIRST:LAST:N with 0 < FIRST < LAST, N >= 1"
            )
    return sorted(times)


def end(times: list[float], waiting_times: list[float], lags: list[float], t_max: float | None) -> float:
    """End of the solution: ``t_max``, or, where it is None, the latest requested time.

    Raises ``ValueError`` for a time, waiting time or lag beyond ``t_max``. Sums of a waiting time and a lag may be beyond.
    """
    if t_max is None:
        return max(times[-1], waiting_times[-1] + lags[-1])
    latest = max(times[-1], waiting_times[-1], lags[-1])
    if latest > t_max:
        raise ValueError(f"t_max = {t_max:g} is before the latest requested time, {latest:g}")
    return t_max
