"""Displacements at declared pairs of waiting time and lag, measured as configurations come by in order of time.

Snapshots that were kept and networks that are being trained go through the same code, so both give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from quench.observables.displacement import MOTILITY_EDGES, mean_power, motility_counts
from quench.observables.overlap import share_within


class Pairs:
    """What is measured of every network at every pair (t_w, lag) that comes by.

    ``waiting_times``, ``lags`` and ``motility_lags`` (some of the lags) increase; ``epsilon`` (chi, network) holds the
    overlap lengths. Float64: ``overlap`` (chi, network, waiting_time, lag), ``msd`` and ``fourth_moment`` (network,
    waiting_time, lag), NaN where a pair did not come by; ``motility`` int32 (network, waiting_time, motility_lag, bin),
    -1 there. Of the reference configurations themselves: ``weight_sizes`` int32 (network, waiting_time, bin), -1 there.
    Of all configurations: ``largest`` (network), the largest |w|.
    """

    TABLES = ("overlap", "msd", "fourth_moment", "motility", "weight_sizes", "largest")

    def __init__(
        self, waiting_times: Sequence[int], lags: Sequence[int], motility_lags: Sequence[int], epsilon: np.ndarray
    ) -> None:
        self.waiting_times, self.lags, self.motility_lags = (
            np.asarray(times, dtype=np.int64) for times in (waiting_times, lags, motility_lags)
        )
        # Lost networks have no length of their own; any positive one gives them the NaN that they should have.
        self.epsilon = np.where(np.isfinite(epsilon), epsilon, np.inf)
        chis, networks = epsilon.shape
        shape = (networks, len(self.waiting_times), len(self.lags))
        self.overlap = np.full((chis, *shape), np.nan)
        self.msd, self.fourth_moment = np.full(shape, np.nan), np.full(shape, np.nan)
        bins = len(MOTILITY_EDGES) - 1
        self.motility = np.full((*shape[:2], len(self.motility_lags), bins), -1, dtype=np.int32)
        self.weight_sizes = np.full((*shape[:2], bins), -1, dtype=np.int32)
        self.largest = np.zeros(networks)
        self.references: dict[int, np.ndarray] = {}

    def see(self, time: int, weights: np.ndarray) -> None:
        """Measure the configuration ``weights`` (network, weight) at ``time``, which must be later than the ones before."""
        weights = np.array(weights, dtype=np.float64, order="C")
        self.largest = np.fmax(self.largest, np.abs(weights).max(axis=1))
        for place, start in enumerate(self.waiting_times.tolist()):
            lag = time - start
            if lag == 0:
                self.references[place] = weights
                self.weight_sizes[:, place] = motility_counts(weights)
            if place in self.references:
                if lag in self.lags:
                    self._measure(place, lag, weights)
                if not self.lags.size or lag >= self.lags[-1]:
                    del self.references[place]

    def _measure(self, place: int, lag: int, weights: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            moved = weights - self.references[place]
            column = np.searchsorted(self.lags, lag)
            for overlap, epsilon in zip(self.overlap, self.epsilon, strict=True):
                overlap[:, place, column] = share_within(moved, epsilon)
            self.msd[:, place, column] = mean_power(moved, 2)
            self.fourth_moment[:, place, column] = mean_power(moved, 4)
        if lag in self.motility_lags:
            self.motility[:, place, np.searchsorted(self.motility_lags, lag)] = motility_counts(moved)

    def memory(self) -> dict[str, np.ndarray]:
        """All that has been measured, and the reference configurations that are still needed."""
        references = {f"reference_{place}": weights for place, weights in self.references.items()}
        return {name: getattr(self, name) for name in self.TABLES} | references

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        for name in self.TABLES:
            setattr(self, name, memory[name])
        self.references = {
            place: memory[name] for place in range(len(self.waiting_times)) if (name := f"reference_{place}") in memory
        }


def chosen_lags(asked: Sequence[int], lags: np.ndarray) -> np.ndarray:
    """The measured lags closest to the asked ones, or to one a decade and the longest."""
    positive = lags[lags > 0]
    if not positive.size:
        return positive
    goals = asked or [10**k for k in range(int(np.log10(positive[-1])) + 1)] + [int(positive[-1])]
    return np.unique([positive[np.abs(np.log(positive / goal)).argmin()] for goal in goals])
