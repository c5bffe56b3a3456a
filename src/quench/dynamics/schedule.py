"""Recording times: dense, then log-spaced lags after every waiting time, and their union; log-spaced times in general."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quench.numerics.spacing import geometric

# Times per decade before the first waiting time: enough to see the transient, few enough to cost nothing.
APPROACH_PER_DECADE = 4


@dataclass(frozen=True)
class Schedule:
    """Snapshots at every t_w + lag, plus a coarse log-spaced approach from time 0. Times count updates.

    Lags are 0, 1, ..., ``dense`` and then ``per_decade`` per decade up to and including ``lag_max``.
    """

    waiting_times: tuple[int, ...]
    lag_max: int
    dense: int = 10
    per_decade: int = 12

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
    """0, 1, ..., min(dense, longest), then ``per_decade`` log-spaced integers per decade, ending at ``longest``; int64."""
    short = np.arange(min(dense, longest) + 1)
    if longest <= dense:
        return short.astype(np.int64)
    count = int(np.ceil(per_decade * np.log10(longest / dense)))
    return np.union1d(short, np.round([*geometric(dense, longest, count), longest]).astype(np.int64))


def log_spaced(first: int, last: int, per_decade: int) -> np.ndarray:
    """Distinct integers from ``first`` to ``last``, both included, about ``per_decade`` per decade; int64."""
    if not 1 <= first <= last:
        raise ValueError(f"log-spaced times need 1 <= first <= last, not {first} and {last}")
    intervals = max(round(per_decade * np.log10(last / first)), 1)
    return np.unique(np.round([*geometric(first, last, intervals), last]).astype(np.int64))
