"""Schedules of recording times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics.schedule import Schedule, lags, log_spaced

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


@pytest.mark.parametrize("longest, dense", [(1, 10), (10, 10), (11, 10), (10**9, 1)])
def test_lags_at_the_edges(longest, dense):
    found = lags(longest, dense, 12)
    assert found[0] == 0 and found[-1] == longest and (np.diff(found) > 0).all()


@given(first=st.integers(1, 50), factor=st.integers(1, 1000), per_decade=st.integers(1, 12))
def test_log_spaced_times_are_distinct_and_keep_their_ends(first, factor, per_decade):
    times = log_spaced(first, first * factor, per_decade)
    assert times[0] == first
    assert times[-1] == first * factor
    assert (np.diff(times) > 0).all()
    # Neighbours are one step of the grid apart, give or take the rounding of both to integers.
    assert (times[1:] <= times[:-1] * 10 ** (1.5 / per_decade) + 1.5).all()


@given(lag_grids, st.integers(1, 10**6))
def test_schedules_of_any_length_share_their_lags(grid, other):
    longest, dense, per_decade = grid
    one, two = lags(longest, dense, per_decade), lags(other, dense, per_decade)
    common = min(longest, other)
    assert np.array_equal(one[one < common], two[two < common])
    powers = 10 ** np.arange(7)
    assert np.isin(powers[powers <= longest], one).all()


@given(
    first=st.integers(1, 50), last=st.integers(51, 10**6), longer=st.integers(1, 10**6), per_decade=st.integers(1, 12)
)
def test_log_spaced_times_do_not_depend_on_their_end(first, last, longer, per_decade):
    short, long = log_spaced(first, last, per_decade), log_spaced(first, last + longer, per_decade)
    assert np.array_equal(short[:-1], long[long < last])


def test_lags_of_the_default_grid():
    assert lags(130, 10, 12).tolist() == [*range(11), 12, 15, 18, 22, 26, 32, 38, 46, 56, 68, 83, 100, 121, 130]
