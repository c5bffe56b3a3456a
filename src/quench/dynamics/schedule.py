"""When a trajectory is looked at: dense-then-log-spaced lags after every waiting time, and their union."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Looks per decade before the first waiting time: enough to see the transient, few enough to cost nothing.
APPROACH_PER_DECADE = 4


@dataclass(frozen=True)
class Schedule:
    """Snapshots at every t_w + lag, plus a coarse log-spaced approach from time 0. Times count updates.

    Lags are 0, 1, ..., ``dense`` and then ``per_decade`` a decade up to and including ``lag_max``.
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
        """Sorted snapshot times, int64, from 0 to the last waiting time + ``lag_max``."""
        looks = [waiting_time + self.lags for waiting_time in self.waiting_times]
        approach = lags(max(self.waiting_times) or 1, 1, APPROACH_PER_DECADE)
        return np.unique(np.concatenate([*looks, approach[approach <= max(self.waiting_times)]]))


def lags(longest: int, dense: int, per_decade: int) -> np.ndarray:
    """0, 1, ..., min(dense, longest), then ``per_decade`` log-spaced integers a decade, ending at ``longest``."""
    short = np.arange(min(dense, longest) + 1)
    if longest <= dense:
        return short.astype(np.int64)
    count = int(np.ceil(per_decade * np.log10(longest / dense)))
    long = np.round(dense * (longest / dense) ** (np.arange(1, count + 1) / count))
    return np.unique(np.concatenate([short, long, [longest]]).astype(np.int64))
