"""Integrate an ensemble through legs of dynamics, record it at declared times, and pause in between.

The weights, with what an optimiser remembers, are the whole state and all randomness is keyed by step, so how a
trajectory is cut into calls, jobs or restarts changes no bit of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

# Seconds of work between two pauses: short enough to notice a signal, long enough to cost nothing.
SEGMENT_SECONDS = 0.3

Advance = Callable[[np.ndarray, int, int], np.ndarray]


@dataclass(frozen=True)
class Leg:
    """``n_steps`` updates by ``advance(weights, first_step, n_steps)``, which counts steps within the leg.

    ``advance`` updates float64 weights (network, weight) in place and returns for each network the number of updates of the
    leg after which a weight was first not finite, or -1: int64 (network). A diverged network keeps the weights that it
    diverged with and costs nothing more; the others continue.
    """

    name: str
    n_steps: int
    advance: Advance


@dataclass
class State:
    """``weights`` float64 (network, weight) after ``step`` updates; ``diverged_at`` (network), -1 for finite networks.

    ``memory`` float64 (network, slot, weight) is what an optimiser remembers of earlier updates; ``recorded`` counts the
    recording times that have passed.
    """

    weights: np.ndarray
    step: int = 0
    recorded: int = 0
    diverged_at: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    memory: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))

    def __post_init__(self) -> None:
        if not self.diverged_at.size:
            self.diverged_at = np.full(len(self.weights), -1, dtype=np.int64)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state as plain arrays, for a checkpoint."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Resume from ``arrays``, in the memory of this state."""
        for name in ("weights", "diverged_at", "memory"):
            getattr(self, name)[...] = arrays[name]
        self.step, self.recorded = int(arrays["step"]), int(arrays["recorded"])


class Recorder(Protocol):
    """Records states; ``memory`` is all that it knows, small enough to be written again at every save."""

    last_loss: float

    def record(self, state: State) -> None: ...
    def memory(self) -> dict[str, np.ndarray]: ...
    def restore(self, memory: Mapping[str, np.ndarray]) -> None: ...


@runtime_checkable
class Journalled(Protocol):
    """A recorder with more: rows that never change once recorded, saved by appending them to a journal."""

    def rows(self, first: int) -> np.ndarray:
        """Rows from number ``first`` on, float64 (row, ...)."""

    def restore_rows(self, rows: np.ndarray) -> None:
        """Restore ``rows``, float64 (row, value)."""


@dataclass(frozen=True)
class Trajectory:
    """A trajectory before its first update: the start, the legs, the recording times, the recorder and the result.

    ``result(state)`` makes the dataset, of the contract ``kind``, from the last state. ``config`` holds the resolved
    parameters, and ``inputs`` what else decides the result: checksums, seeds, the device. ``name`` tells the trajectories of
    one file apart.
    """

    kind: str
    state: State
    legs: Sequence[Leg]
    times: np.ndarray
    recorder: Recorder
    result: Callable[[State], xr.Dataset]
    config: Mapping[str, Any]
    inputs: Mapping[str, Any]
    name: str = ""

    def follow(self) -> xr.Dataset:
        """Integrate to the end without interruption; the result says its ``kind`` and ``config``, as its file would."""
        follow(self.state, self.legs, self.times, self.recorder.record)
        config = json.dumps(self.config, sort_keys=True)
        return self.result(self.state).assign_attrs(kind=self.kind, config=config)


def follow(
    state: State,
    legs: Sequence[Leg],
    times: Sequence[int] | np.ndarray,
    record: Callable[[State], None],
    pause: Callable[[State, str], None] = lambda state, leg: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Integrate ``state`` through the legs in place, and ``record`` it at the sorted ``times`` (updates since the start).

    ``pause(state, leg name)`` is called about three times a second; it may save the state, or raise to stop. A state
    that was saved in a pause resumes from there, and nothing is recorded twice.
    """
    times = [int(moment) for moment in times]
    _record_if_due(state, times, record)
    start = 0
    for leg in legs:
        pace = 1
        while state.step < start + leg.n_steps:
            goal = min([start + leg.n_steps, *times[state.recorded : state.recorded + 1]])
            n_steps = min(pace, goal - state.step)
            began = clock()
            diverged = leg.advance(state.weights, state.step - start, n_steps)
            pace = next_pace(pace, n_steps, clock() - began)
            fresh = (diverged >= 0) & (state.diverged_at < 0)
            state.diverged_at[fresh] = start + diverged[fresh]
            state.step += n_steps
            _record_if_due(state, times, record)
            pause(state, leg.name)
        start += leg.n_steps


def next_pace(pace: int, n_steps: int, seconds: float) -> int:
    """Steps until the next pause, after ``n_steps`` took ``seconds`` where ``pace`` were allowed.

    Grows at most fourfold, so that a sudden slowdown is noticed soon. A segment that a recording time cut short says little
    about the pace (it is mostly overhead), unless it was too long all the same.
    """
    if n_steps < pace and seconds <= SEGMENT_SECONDS:
        return pace
    return max(1, min(4 * pace, int(n_steps * SEGMENT_SECONDS / max(seconds, 1e-6))))


def _record_if_due(state: State, times: Sequence[int], record: Callable[[State], None]) -> None:
    if state.recorded < len(times) and times[state.recorded] == state.step:
        record(state)
        state.recorded += 1
