"""Trajectories: the same bits however they are cut; pauses often enough to notice a signal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics import trajectory
from quench.dynamics.trajectory import SEGMENT_SECONDS, Leg, State, follow, next_pace


def keyed(scale):
    """Dynamics whose step depends on the step number and on the state: any mistake in counting shows."""

    def advance(weights, first_step, n_steps):
        for step in range(first_step, first_step + n_steps):
            weights += scale * np.sin(weights + step)
        return np.full(len(weights), -1)

    return advance


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    moments=st.sets(st.integers(0, 100), max_size=10),
    pace=st.floats(1e-7, 1.0),
    stop=st.integers(0, 60),
)
def test_pauses_and_restarts_change_nothing(lengths, moments, pace, stop):
    legs = [Leg(str(i), n, keyed(0.1 * (i + 1))) for i, n in enumerate(lengths)]
    total = sum(lengths)
    times = sorted(t for t in moments if t <= total)
    start = np.array([[0.3, -1.2], [2.0, 0.1]])

    expected = start.copy()
    seen = {0: expected.copy()}
    step = 0
    for leg in legs:
        for i in range(leg.n_steps):
            leg.advance(expected, i, 1)
            step += 1
            seen[step] = expected.copy()

    # Runs until it is stopped in a pause, then resumes from what was saved there, as often as necessary.
    class Stop(Exception):
        pass

    recorded = []
    saved = State(start.copy())

    def pause(state, leg):
        nonlocal saved
        saved = State(state.weights.copy(), state.step, state.recorded, state.diverged_at.copy())
        if state.step % 61 == stop and state.step not in stopped:
            stopped.add(state.step)
            raise Stop

    stopped = set()
    original, trajectory.SEGMENT_SECONDS = trajectory.SEGMENT_SECONDS, pace * 1e-3
    try:
        for _ in range(10):
            state = saved
            try:
                follow(state, legs, times, lambda s: recorded.append((s.step, s.weights.copy())), pause)
                break
            except Stop:
                pass
    finally:
        trajectory.SEGMENT_SECONDS = original
    assert state.step == total and np.array_equal(state.weights, expected)
    assert [step for step, _ in recorded] == times
    assert all(np.array_equal(weights, seen[step]) for step, weights in recorded)


def test_divergence_is_counted_from_the_start():
    def diverging(weights, first_step, n_steps):
        return np.array([-1, 7 if first_step + n_steps >= 7 else -1])

    state = State(np.zeros((2, 1)))
    follow(state, [Leg("first", 5, keyed(0.1)), Leg("second", 20, diverging)], [25], lambda s: None)
    assert state.diverged_at.tolist() == [-1, 12]


def test_a_signal_never_waits_much_longer_than_a_segment():
    """The cost of a step jumps tenfold now and then, as when a network leaves its minimum and more samples count."""
    now, stretches = [0.0], []
    cost = {0: 1e-5, 30_000: 1e-4, 40_000: 1e-3, 41_000: 1e-5}

    def advance(weights, first_step, n_steps):
        each = cost[max(start for start in cost if start <= first_step)]
        now[0] += n_steps * each
        stretches.append((first_step, n_steps, n_steps * each))
        return np.full(2, -1)

    follow(State(np.ones((2, 3))), [Leg("leg", 90_000, advance)], [], lambda state: None, clock=lambda: now[0])
    assert sum(n_steps for _, n_steps, _ in stretches) == 90_000
    # A jump is noticed after one stretch, which was planned for the old cost.
    long = [seconds for first, _, seconds in stretches if seconds > 1.01 * SEGMENT_SECONDS]
    assert len(long) <= 2
    assert max(long, default=0) <= 10 * SEGMENT_SECONDS
    assert len(stretches) < 60, "and pauses cost little"


@pytest.mark.parametrize(
    ("pace", "n_steps", "seconds", "expected"),
    [
        (1, 1, 0.0, 4),
        (100, 100, SEGMENT_SECONDS / 2, 200),
        (100, 100, 10 * SEGMENT_SECONDS, 10),
        (100, 5, 0.01, 100),
        (100, 50, 2 * SEGMENT_SECONDS, 25),
        (3, 3, 1000.0, 1),
    ],
)
def test_pace(pace, n_steps, seconds, expected):
    assert next_pace(pace, n_steps, seconds) == expected
