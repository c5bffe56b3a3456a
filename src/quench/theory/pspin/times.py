"""Times of a solved quench: lists as they are written in a configuration or on a command line, and the end they imply."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from quench.errors import QuenchError
from quench.numerics.spacing import geometric

# Times of E and mu; waiting times and lags of C, R and chi.
DEFAULTS = {"times": "0,1e-2:1e3:10", "waiting_times": "1,10,100", "lags": "0,1e-2:1e3:10"}


@dataclass(frozen=True)
class Times:
    """``times`` of E and mu; ``waiting_times`` and ``lags`` of C, R and chi; ``t_max``, the end of the solution."""

    times: list[float]
    waiting_times: list[float]
    lags: list[float]
    t_max: float

    @classmethod
    def of(
        cls,
        times: str | None = None,
        waiting_times: str | None = None,
        lags: str | None = None,
        t_max: float | None = None,
    ) -> Self:
        """Times named by texts (``listed``); for None the ``DEFAULTS``, up to ``t_max``. ``t_max``: as in ``end``.

        Raises ``QuenchError`` where a text is no list, and where no default, or not every given time, is up to ``t_max``.
        """
        texts = {"times": times, "waiting_times": waiting_times, "lags": lags}
        chosen = [_chosen(name, text, t_max) for name, text in texts.items()]
        try:
            return cls(*chosen, end(*chosen, t_max))
        except ValueError as error:
            raise QuenchError(str(error)) from None


def _chosen(name: str, text: str | None, t_max: float | None) -> list[float]:
    place = name.replace("_", "-")
    if text is not None or t_max is None:
        return listed(DEFAULTS[name] if text is None else text, place)
    within = [time for time in listed(DEFAULTS[name], place) if time <= t_max]
    if not within:
        raise QuenchError(f"{place}: the default ones are beyond t_max = {t_max:g}; give others")
    return within


def listed(text: str, place: str) -> list[float]:
    """Times >= 0 named by ``text``, ascending, each once: items ``5``, or ``0.01:1e7:10`` for 10 per decade in between.

    Log-spaced times are rounded to 12 digits, so that whole decades are exact. Raises ``QuenchError`` with ``place``
    where ``text`` is no such list.
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
    """The end of the solution: ``t_max``, or where it is None the latest time of any pair.

    Raises ``ValueError`` where a single time, waiting time or lag is beyond ``t_max``; their sums may be.
    """
    if t_max is None:
        return max(times[-1], waiting_times[-1] + lags[-1])
    latest = max(times[-1], waiting_times[-1], lags[-1])
    if latest > t_max:
        raise ValueError(f"t_max = {t_max:g} is before the latest requested time, {latest:g}")
    return t_max
