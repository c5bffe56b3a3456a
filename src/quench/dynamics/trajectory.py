"""An ensemble on its way through time: legs of dynamics, looks at declared times, pauses at any moment in between.

The weights, with what an optimiser remembers, are the whole state and all randomness is keyed by step, so how a
trajectory is cut into calls, jobs or restarts changes no bit of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

# Seconds of work between two pauses: short enough to notice a signal, long enough to cost nothing.
SEGMENT_SECONDS = 0.3

Advance = Callable[[np.ndarray, int, int], np.ndarray]


@dataclass(frozen=True)
class Leg:
    """``n_steps`` updates by ``advance(weights, first_step, n_steps) -> lost``; steps are counted within the leg.

    ``lost`` holds for each network the number of updates of the leg after which it was not finite, or -1.
    """

    name: str
    n_steps: int
    advance: Advance


@dataclass
class State:
    """``weights`` float64 (network, weight) after ``step`` updates; ``diverged_at`` (network), -1 for the living.

    ``memory`` float64 (network, slot, weight) is what an optimiser knows of earlier updates; most know nothing.
    """

    weights: np.ndarray
    step: int = 0
    looks: int = 0
    diverged_at: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    memory: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))

    def __post_init__(self) -> None:
        if not self.diverged_at.size:
            self.diverged_at = np.full(len(self.weights), -1, dtype=np.int64)


def follow(
    state: State,
    legs: Sequence[Leg],
    times: Sequence[int],
    look: Callable[[State], None],
    pause: Callable[[State, str], None] = lambda state, leg: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Take ``state`` through the legs in place; call ``look`` at each of the sorted ``times`` (updates since the start).

    ``pause(state, leg name)`` is called about three times a second; it may save the state, or raise to stop. A state
    that was saved in a pause goes on from there: looks that it has had are not repeated.
    """
    times = [int(moment) for moment in times]
    _look_if_due(state, times, look)
    start = 0
    for leg in legs:
        pace = 1
        while state.step < start + leg.n_steps:
            goal = min([start + leg.n_steps, *times[state.looks : state.looks + 1]])
            n_steps = min(pace, goal - state.step)
            began = clock()
            lost = leg.advance(state.weights, state.step - start, n_steps)
            pace = next_pace(pace, n_steps, clock() - began)
            fresh = (lost >= 0) & (state.diverged_at < 0)
            state.diverged_at[fresh] = start + lost[fresh]
            state.step += n_steps
            _look_if_due(state, times, look)
            pause(state, leg.name)
        start += leg.n_steps


def next_pace(pace: int, n_steps: int, seconds: float) -> int:
    """Steps until the next pause, after ``n_steps`` took ``seconds`` where ``pace`` were allowed.

    Grows at most fourfold, so that a sudden slowness is noticed soon. A stretch
    that a look cut short says little about the pace (it is mostly overhead), unless it was too long all the same.
    """
    if n_steps < pace and seconds <= SEGMENT_SECONDS:
        return pace
    return max(1, min(4 * pace, int(n_steps * SEGMENT_SECONDS / max(seconds, 1e-6))))


def _look_if_due(state: State, times: Sequence[int], look: Callable[[State], None]) -> None:
    if state.looks < len(times) and times[state.looks] == state.step:
        look(state)
        state.looks += 1
