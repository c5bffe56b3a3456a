"""The two-time mean-square displacement of BJ: its schedule, its streamed measurement, and the memory of it.

Delta(t_w, t_w + t) = (1/M) sum_i (w_i(t_w) - w_i(t_w + t))^2   (BJ, Eq. 3)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from quench.dynamics.schedule import log_spaced
from quench.numerics.sums import mean_square_difference

WINDOW = 0.1  # starts lie in [t_w, (1 + WINDOW) t_w]
_BLOCK = 1 << 20  # weights squared in float32 at a time, before float64 takes over


@dataclass(frozen=True)
class TwoTimeSchedule:
    """The pairs of times that are compared in a run of ``n_steps`` updates.

    Every waiting time has up to ``windows`` starts, spread evenly over [t_w, 1.1 t_w], over which the displacement is
    averaged later: different starts have different batches, so the average shows the dynamics rather than one noise
    history. Waiting times: 0 and ``waiting_per_decade`` per decade, the last one such that its window ends at half the
    run. Lags: ``lags_per_decade`` per decade, and half the run, which every waiting time therefore has.
    """

    n_steps: int
    waiting_per_decade: int = 5
    lags_per_decade: int = 8
    windows: int = 8

    @cached_property
    def waiting_times(self) -> np.ndarray:
        last = max(1, int(self.n_steps // 2 / (1 + WINDOW)))
        return np.concatenate([[0], log_spaced(1, last, self.waiting_per_decade)])

    @cached_property
    def lags(self) -> np.ndarray:
        return np.union1d(log_spaced(1, self.n_steps, self.lags_per_decade), [max(1, self.n_steps // 2)])

    @cached_property
    def starts(self) -> np.ndarray:
        """Start times (waiting_time, start), ascending along a row; -1 where a window has fewer distinct times."""
        offsets = np.arange(self.windows) / max(self.windows - 1, 1)
        spread = np.floor(WINDOW * self.waiting_times[:, None] * offsets).astype(np.int64)
        starts = self.waiting_times[:, None] + spread
        starts[:, 1:][np.diff(spread, axis=1) == 0] = -1
        return starts

    @cached_property
    def pairs(self) -> dict[int, list[tuple[int, int, int]]]:
        """The (waiting time, start, lag) indices of all displacements to measure, by the time of their measurement.

        A lag counts only where the whole window of its waiting time fits into the run, so that every average is over
        the same starts.
        """
        due: dict[int, list[tuple[int, int, int]]] = {}
        for w, row in enumerate(self.starts):
            for index, lag in enumerate(self.lags):
                if row.max() + lag > self.n_steps:
                    break
                for k, start in enumerate(row):
                    if start >= 0:
                        due.setdefault(int(start + lag), []).append((w, k, index))
        return due

    @cached_property
    def last_use(self) -> dict[int, int]:
        """The last time at which the reference of each start time is needed."""
        return {int(self.starts[w, k]): t for t in sorted(self.pairs) for w, k, _ in self.pairs[t]}

    @cached_property
    def times(self) -> np.ndarray:
        """Every time at which weights are kept or compared, sorted int64."""
        return np.unique(np.array([*self.last_use, *self.pairs], dtype=np.int64))

    def most_references(self) -> int:
        """Largest number of configurations that a streamed measurement holds at once."""
        held = [sum(start <= t <= last for start, last in self.last_use.items()) for t in self.last_use]
        return max(held, default=0)

    def memory(self, n_weights: int, itemsize: int = 4) -> int:
        """Bytes of the references that a streamed measurement of ``n_weights`` weights holds at once."""
        return self.most_references() * n_weights * itemsize


def mean_square_displacement(weights: Tensor, reference: Tensor) -> float:
    """(1/M) sum_i (w_i - r_i)^2 of two flat vectors; differences in their precision, sums in float64.

    The difference is taken weight by weight: |w|^2 + |r|^2 - 2 w.r loses every digit of a small displacement.
    """
    if weights.device.type == "cpu":
        return float(mean_square_difference(weights.numpy(), reference.numpy()))
    total = 0.0
    for w, r in zip(torch.split(weights, _BLOCK), torch.split(reference, _BLOCK), strict=True):
        difference = (w - r).double()
        total += torch.dot(difference, difference).item()
    return total / weights.numel()


class StreamedDisplacement:
    """Delta at every pair of the schedule, measured during the run; a reference is dropped after its last use.

    ``table`` is float64 (waiting_time, start, lag), NaN where the schedule has no pair and where the run has not arrived.
    """

    def __init__(self, schedule: TwoTimeSchedule) -> None:
        self.schedule = schedule
        self.references: dict[int, Tensor] = {}
        self.table = np.full((*schedule.starts.shape, len(schedule.lags)), np.nan)

    def record(self, step: int, weights: Tensor) -> None:
        """Record the ``weights`` after ``step`` updates; must be called at every time of the schedule."""
        known: dict[int, float] = {}
        for w, k, lag in self.schedule.pairs.get(step, ()):
            start = int(self.schedule.starts[w, k])
            if start not in known:
                known[start] = mean_square_displacement(weights, self.references[start])
            self.table[w, k, lag] = known[start]
            if self.schedule.last_use[start] == step:
                self.references.pop(start, None)
        if step in self.schedule.last_use:
            self.references[step] = weights.clone()

    def memory(self) -> dict[str, np.ndarray]:
        """The state as plain arrays, for a checkpoint."""
        starts = np.array(sorted(self.references), dtype=np.int64)
        kept = [self.references[int(start)].cpu().numpy() for start in starts]
        return {
            "displacement": self.table,
            "reference_times": starts,
            "references": np.stack(kept) if kept else np.empty((0, 0), dtype=np.float32),
        }

    def restore(self, memory: Mapping[str, np.ndarray], device: torch.device | str = "cpu") -> None:
        """Resume from the state that ``memory`` returned."""
        self.table = np.array(memory["displacement"])
        rows = torch.from_numpy(np.array(memory["references"])).to(device)
        self.references = dict(zip(memory["reference_times"].tolist(), rows.unbind(), strict=True))


def displacement_of_snapshots(schedule: TwoTimeSchedule, times: Iterable[int], snapshots: np.ndarray) -> np.ndarray:
    """The same table from snapshots (time, weight) at ``times``, which include every time of the schedule."""
    stream = StreamedDisplacement(schedule)
    for step, weights in zip(times, snapshots, strict=True):
        stream.record(int(step), torch.from_numpy(np.ascontiguousarray(weights)))
    return stream.table
