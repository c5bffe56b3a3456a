"""Observables at declared pairs of waiting time and lag, measured as configurations arrive in order of time.

Stored snapshots and networks in training go through the same code, so both give the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from quench.observables import table
from quench.observables.table import Pair


class TwoTimeObservables:
    """The measured observables of every network at every pair (t_w, t) whose two configurations are recorded.

    ``waiting_times``, ``lags`` and ``motility_lags`` (some of the lags), in updates, increase; ``epsilon`` (chi,
    network): overlap lengths; ``layer`` (weight): layer of each weight, if known; ``layers``: those that there are.
    Results: ``tables`` by name, with the dimensions of ``quench.observables.table`` behind a dimension chi where they
    depend on it, NaN (-1 in counts) for a pair that was not recorded; ``largest`` (network): the largest |w| of all
    recorded configurations.
    """

    def __init__(
        self,
        waiting_times: ArrayLike,
        lags: ArrayLike,
        motility_lags: ArrayLike,
        epsilon: np.ndarray,
        layer: np.ndarray | None = None,
    ) -> None:
        self.waiting_times, self.lags, self.motility_lags = (
            np.asarray(times, dtype=np.int64) for times in (waiting_times, lags, motility_lags)
        )
        # Diverged networks have no length of their own; any positive one gives them the NaN that they should have.
        self.epsilon = np.where(np.isfinite(epsilon), epsilon, np.inf)
        self.layers: np.ndarray | None = None
        self.layer: np.ndarray | None = None
        if layer is not None:
            self.layers, self.layer = np.unique(layer, return_inverse=True)
        self._grids = {"lag": self.lags, "motility_lag": self.motility_lags, "": np.zeros(1, dtype=np.int64)}
        self.tables: dict[str, np.ndarray] = {}
        self.largest = np.zeros(self.epsilon.shape[1])
        self.references: dict[int, dict[str, np.ndarray]] = {}

    def record(self, time: int, weights: np.ndarray, **others: np.ndarray) -> None:
        """Measure the configuration ``weights`` (network, weight) at ``time``, which must be later than those before.

        ``others`` (network, weight), if known: the sums ``noise`` and ``field`` of the noise so far, as ``Pair`` takes them,
        and the weights ``control`` of the same networks without noise.
        """
        given = {"weights": weights, **others}
        now = {name: np.array(values, dtype=np.float64, order="C") for name, values in given.items()}
        self.largest = np.fmax(self.largest, np.abs(now["weights"]).max(axis=1))
        with np.errstate(over="ignore", invalid="ignore"):
            if not self.tables:
                self._allocate(self._pair(now, now))
            for row, start in enumerate(self.waiting_times.tolist()):
                lag = time - start
                if lag == 0:
                    self.references[row] = now
                if row in self.references:
                    if lag == 0 or lag in self.lags:
                        self._measure(row, lag, self._pair(self.references[row], now))
                    if not self.lags.size or lag >= self.lags[-1]:
                        del self.references[row]

    def _pair(self, reference: Mapping[str, np.ndarray], later: Mapping[str, np.ndarray]) -> Pair:
        changes = {name: later[name] - reference[name] for name in later}
        return Pair(changes.pop("weights"), reference["weights"], self.epsilon[0], self.layer, **changes)

    def _allocate(self, pair: Pair) -> None:
        """Create empty tables; what a function returns for ``pair`` has its own dimensions and type."""
        for one in table.MEASURED:
            if all(getattr(pair, name) is not None for name in one.needs):
                values = one.function(pair)
                chis = self.epsilon.shape[:1] if one.per_chi else ()
                lags = self._grids[one.grid].shape if one.grid else ()
                shape = (*chis, len(values), len(self.waiting_times), *lags, *values.shape[1:])
                self.tables[one.name] = np.full(shape, np.nan if values.dtype.kind == "f" else -1, values.dtype)

    def _measure(self, row: int, lag: int, pair: Pair) -> None:
        for one in table.MEASURED:
            columns = np.flatnonzero(self._grids[one.grid] == lag)
            if one.name in self.tables and columns.size:
                entry = (slice(None), row, *(columns if one.grid else ()))
                values = self.tables[one.name]
                for at_chi, epsilon in zip(values if one.per_chi else values[None], self.epsilon, strict=False):
                    at_chi[entry] = one.function(replace(pair, epsilon=epsilon))

    def memory(self) -> dict[str, np.ndarray]:
        """All that has been measured, and the reference configurations that are still needed."""
        references = {f"{name} at {row}": values for row, at in self.references.items() for name, values in at.items()}
        return {**self.tables, "largest": self.largest, **references}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        """Take back what ``memory`` returned."""
        self.tables = {one.name: memory[one.name] for one in table.MEASURED if one.name in memory}
        self.largest = memory["largest"]
        self.references = {}
        for row in range(len(self.waiting_times)):
            names = ("weights", "noise", "field", "control")
            at = {name: memory[key] for name in names if (key := f"{name} at {row}") in memory}
            if at:
                self.references[row] = at


def chosen_lags(declared: Sequence[int], lags: np.ndarray) -> np.ndarray:
    """The measured lags closest to the declared ones; none declared: closest to one per decade, and the longest."""
    positive = lags[lags > 0]
    if not positive.size:
        return positive
    goals = declared or [10**k for k in range(int(np.log10(positive[-1])) + 1)] + [int(positive[-1])]
    return np.unique([positive[np.abs(np.log(positive / goal)).argmin()] for goal in goals])
