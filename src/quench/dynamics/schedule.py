"""Recording times: dense, then log-spaced lags after every waiting time, and their union; log-spaced times in general."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from quench.errors import QuenchError
from quench.numerics.spacing import decades

# Times per decade before the first waiting time: enough to see the transient, few enough to cost nothing.
APPROACH_PER_DECADE = 4
# Measurements evenly spaced over the last third of a training, over which final values are averaged.
FINAL_MEASURES = 8


@dataclass(frozen=True)
class Schedule:
    """Snapshots at every t_w + lag, plus a coarse log-spaced approach from time 0. Times count updates.

    Lags are 0, 1, ..., ``dense``, then 10^(i / ``per_decade``) for integer i, rounded, and ``lag_max``. The grid does not
    depend on ``lag_max``: it always holds the powers of ten, and two schedules share all lags below the shorter ``lag_max``.

    Raises ``QuenchError`` for a value that is not a whole number, or too small.
    """

    waiting_times: tuple[int, ...]
    lag_max: int
    dense: int = 10
    per_decade: int = 12

    def __post_init__(self) -> None:
        object.__setattr__(self, "waiting_times", tuple(whole_numbers("waiting_times", self.waiting_times)))
        for name, low in (("lag_max", 0), ("dense", 1), ("per_decade", 1)):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), low))

    @property
    def lags(self) -> np.ndarray:
        """Sorted lags, int64, from 0 to ``lag_max``."""
        return lags(self.lag_max, self.dense, self.per_decade)

    @property
    def times(self) -> np.ndarray:
        """Sorted recording times, int64, from 0 to the last waiting time + ``lag_max``."""
        pairs = [waiting_time + self.lags for waiting_time in self.waiting_times]
        approach = lags(max(self.waiting_times) or 1, 1, APPROACH_PER_DECADE)
        return np.unique(np.concatenate([*pairs, approach[approach <= max(self.waiting_times)]]))


def lags(longest: int, dense: int, per_decade: int) -> np.ndarray:
    """0, 1, ..., ``dense``, then the ``log_spaced`` integers up to and including ``longest``; int64."""
    short = np.arange(min(dense, longest) + 1, dtype=np.int64)
    return short if longest <= dense else np.union1d(short, log_spaced(dense, longest, per_decade))


def log_spaced(first: int, last: int, per_decade: int) -> np.ndarray:
    """10^(i / ``per_decade``) between ``first`` and ``last``, rounded, and these two; int64, distinct.

    Two ranges share all times that lie within both, so curves can be compared point by point.
    """
    if not 1 <= first <= last:
        raise ValueError(f"log-spaced times need 1 <= first <= last, not {first} and {last}")
    return np.unique(np.round([first, *decades(first, last, per_decade), last]).astype(np.int64))


def whole_numbers(name: str, values: Any, low: int = 0) -> list[int]:
    """``values``, at least one, of any library and numeric type; ``QuenchError``, with the ``name``, for other values."""
    try:
        found = np.array(values.tolist() if hasattr(values, "tolist") else list(values))
        with np.errstate(invalid="ignore"):
            whole = found.astype(np.int64)
        fine = found.dtype.kind in "iuf" and found.ndim == 1 and found.size and (whole == found).all()
    except (TypeError, ValueError, OverflowError):
        fine = False
    if not fine or whole.min() < low:
        raise QuenchError(
            f"{name}: whole numbers from {low} on, and at least one, not {textwrap.shorten(repr(values), 60)}"
        )
    return whole.tolist()  # type: ignore[no-any-return]


def whole_number(name: str, value: Any, low: int = 0) -> int:
    """``value``, a number of any library; ``QuenchError``, with the ``name``, where it is not whole or below ``low``."""
    try:
        return whole_numbers(name, [value], low)[0]
    except QuenchError:
        raise QuenchError(f"{name}: a whole number from {low} on, not {textwrap.shorten(repr(value), 60)}") from None
