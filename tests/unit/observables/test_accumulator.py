"""Pairs of configurations measured as they arrive, against the definitions, wherever the work is interrupted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics.schedule import Schedule
from quench.observables.accumulator import TwoTimeObservables, chosen_lags
from quench.observables.displacement import fourth_moment, motility, msd
from quench.observables.overlap import overlap


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(0, 12), min_size=1, max_size=3),
    st.integers(1, 8),
    st.integers(0, 20),
    st.integers(0, 2**32 - 1),
)
def test_tables_are_those_of_the_definitions_wherever_they_are_cut(waiting_times, lag_max, cut, seed):
    """Against overlap, moments and motility of each pair, through a memory that is saved and restored."""
    schedule = Schedule(tuple(sorted(waiting_times)), lag_max)
    rng = np.random.default_rng(seed)
    epsilon = rng.uniform(0.1, 2, size=(2, 3))
    trajectory = {int(time): rng.normal(size=(3, 11)).cumsum(axis=1) for time in schedule.times}

    def fresh():
        return TwoTimeObservables(schedule.waiting_times, schedule.lags, schedule.lags[-1:], epsilon)

    observables = fresh()
    for number, (time, weights) in enumerate(trajectory.items()):
        if number == cut:
            memory = {name: values.copy() for name, values in observables.memory().items()}
            observables = fresh()
            observables.restore(memory)
        observables.record(time, weights)
        open_pairs = {row for row, start in enumerate(schedule.waiting_times) if start <= time < start + lag_max}
        assert set(observables.references) <= open_pairs
    tables = observables.tables
    for row, waiting_time in enumerate(schedule.waiting_times):
        reference = trajectory[waiting_time]
        for column, lag in enumerate(schedule.lags):
            displacement = trajectory[waiting_time + int(lag)] - reference
            for lengths, table in zip(epsilon, tables["overlap"], strict=True):
                assert table[:, row, column].tobytes() == overlap(displacement, lengths).tobytes()
            assert tables["msd"][:, row, column].tobytes() == msd(displacement).tobytes()
            assert tables["fourth_moment"][:, row, column].tobytes() == fourth_moment(displacement).tobytes()
        assert np.array_equal(tables["motility"][:, row, 0], motility(displacement))
        assert np.array_equal(tables["weight_sizes"][:, row], motility(reference))
    assert np.array_equal(observables.largest, np.max([np.abs(w).max(axis=1) for w in trajectory.values()], axis=0))


def test_pairs_that_were_not_recorded_are_missing():
    observables = TwoTimeObservables([2, 5], [1, 3], [3], np.ones((1, 2)))
    for time in (2, 5, 6):
        observables.record(time, np.full((2, 4), float(time)))
    expected = np.broadcast_to([[np.nan, 9], [1, np.nan]], (2, 2, 2))
    assert np.array_equal(observables.tables["msd"], expected, equal_nan=True)
    assert (observables.tables["motility"][:, 1] == -1).all() and (observables.tables["motility"][:, 0] >= 0).all()
    assert (observables.tables["weight_sizes"] >= 0).all()


@pytest.mark.parametrize(
    "declared, expected",
    [([], [1, 10, 70]), ([9], [10]), ([1, 2, 1000], [1, 3, 70]), ((5,), [3])],
)
def test_chosen_lags_are_the_nearest_measured_ones(declared, expected):
    # log 5 is nearer to log 3 than to log 10.
    assert chosen_lags(declared, np.array([0, 1, 3, 10, 70])).tolist() == expected


def test_without_a_lag_there_is_none_to_choose():
    assert chosen_lags([], np.array([0])).size == 0
