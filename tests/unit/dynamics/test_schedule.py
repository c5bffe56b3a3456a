"""Snapshot schedules, and trajectories that do not depend on how they are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics import preparation, trajectory
from quench.dynamics.schedule import Schedule, lags
from quench.dynamics.trajectory import Leg, State, follow

lag_grids = st.tuples(st.integers(1, 10**6), st.integers(1, 200), st.integers(1, 60))
schedules = st.builds(
    lambda waits, grid: Schedule(tuple(waits), *grid),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=6, unique=True),
    lag_grids,
)


@given(lag_grids)
def test_lags_are_dense_then_log_spaced(grid):
    longest, dense, per_decade = grid
    found = lags(longest, dense, per_decade)
    assert found.dtype == np.int64
    assert found[0] == 0 and found[-1] == longest
    assert (np.diff(found) > 0).all()
    assert np.array_equal(found[: min(dense, longest) + 1], np.arange(min(dense, longest) + 1))
    # Beyond, neighbours differ by at most the declared factor; rounding moves each end by half an update.
    beyond = found[found >= min(dense, longest)].astype(float)
    assert (beyond[1:] - 0.5 <= (beyond[:-1] + 0.5) * 10 ** (1 / per_decade) * (1 + 1e-9)).all()
    decades = max(np.log10(longest / dense), 0)
    assert len(beyond) <= np.ceil(per_decade * decades) + 2


@given(schedules)
def test_times_hold_every_wanted_moment_and_are_sorted(schedule):
    times = schedule.times
    assert times.dtype == np.int64
    assert (np.diff(times) > 0).all()
    assert times[0] == 0
    assert times[-1] == max(schedule.waiting_times) + schedule.lag_max
    for waiting_time in schedule.waiting_times:
        assert np.isin(waiting_time + schedule.lags, times).all()
    # Beside the wanted moments only a coarse approach to the last waiting time.
    wanted = np.concatenate([waiting_time + schedule.lags for waiting_time in schedule.waiting_times])
    others = np.setdiff1d(times, wanted)
    assert (others < max(schedule.waiting_times)).all()
    assert len(others) <= 4 * 6 + 3


@given(schedules, schedules)
def test_another_waiting_time_only_adds(one, other):
    both = Schedule((*one.waiting_times, *other.waiting_times), one.lag_max, one.dense, one.per_decade)
    for waiting_time in one.waiting_times:
        assert np.isin(waiting_time + one.lags, both.times).all()


@given(
    st.integers(1, 3000), st.integers(1, 400), st.integers(0, 500), st.lists(st.tuples(st.integers(1, 60)), max_size=3)
)
def test_preparation_is_looked_at_from_first_to_last(n_samples, batch_size, epochs, polish):
    polish = [(steps, 0.1) for (steps,) in polish]
    times = preparation.look_times(n_samples, batch_size, epochs, polish)
    steps_per_epoch = -(-n_samples // batch_size)
    ends = np.cumsum([epochs * steps_per_epoch, *(steps for steps, _ in polish)])
    assert times[0] == 0 and times[-1] == ends[-1]
    assert np.isin(ends, times).all() and (np.diff(times) > 0).all()


def keyed(scale):
    """Dynamics whose step depends on the step number and on the state: any mistake in counting shows."""

    def advance(weights, first_step, n_steps):
        lost = np.full(len(weights), -1, dtype=np.int64)
        for step in range(first_step, first_step + n_steps):
            weights += scale * np.sin(weights + step)
        return lost

    return advance


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    looks=st.sets(st.integers(0, 100), max_size=10),
    pace=st.floats(1e-7, 1.0),
    stop=st.integers(0, 60),
)
def test_pauses_and_restarts_change_nothing(lengths, looks, pace, stop):
    legs = [Leg(str(i), n, keyed(0.1 * (i + 1))) for i, n in enumerate(lengths)]
    total = sum(lengths)
    times = sorted(t for t in looks if t <= total)
    start = np.array([[0.3, -1.2], [2.0, 0.1]])

    expected = start.copy()
    seen = {0: expected.copy()}
    step = 0
    for leg in legs:
        for i in range(leg.n_steps):
            leg.advance(expected, i, 1)
            step += 1
            seen[step] = expected.copy()

    # Runs until it is stopped in a pause, then goes on from what was saved there, as often as need be.
    class Stop(Exception):
        pass

    looked = []
    saved = State(start.copy())

    def pause(state, leg):
        nonlocal saved
        saved = State(state.weights.copy(), state.step, state.looks, state.diverged_at.copy())
        if state.step % 61 == stop and state.step not in stopped:
            stopped.add(state.step)
            raise Stop

    stopped = set()
    original, trajectory.SEGMENT_SECONDS = trajectory.SEGMENT_SECONDS, pace * 1e-3
    try:
        for _ in range(10):
            state = saved
            try:
                follow(state, legs, times, lambda s: looked.append((s.step, s.weights.copy())), pause)
                break
            except Stop:
                pass
    finally:
        trajectory.SEGMENT_SECONDS = original
    assert state.step == total and np.array_equal(state.weights, expected)
    assert [step for step, _ in looked] == times
    assert all(np.array_equal(weights, seen[step]) for step, weights in looked)


def test_loss_of_a_network_is_counted_from_the_start():
    def dies(weights, first_step, n_steps):
        lost = np.full(len(weights), -1, dtype=np.int64)
        if first_step + n_steps >= 7:
            lost[1] = 7
        return lost

    state = State(np.zeros((2, 1)))
    follow(state, [Leg("first", 5, keyed(0.1)), Leg("second", 20, dies)], [25], lambda s: None)
    assert state.diverged_at.tolist() == [-1, 12]


@pytest.mark.parametrize("longest, dense", [(1, 10), (10, 10), (11, 10), (10**9, 1)])
def test_lags_at_the_edges(longest, dense):
    found = lags(longest, dense, 12)
    assert found[0] == 0 and found[-1] == longest and (np.diff(found) > 0).all()
