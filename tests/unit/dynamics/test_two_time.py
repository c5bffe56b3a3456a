"""The two-time schedule and its streamed displacement against all snapshots."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics.two_time import (
    StreamedDisplacement,
    TwoTimeSchedule,
    displacement_of_snapshots,
    mean_square_displacement,
)

schedules = st.builds(
    TwoTimeSchedule,
    n_steps=st.integers(2, 3000),
    waiting_per_decade=st.integers(1, 6),
    lags_per_decade=st.integers(1, 8),
    windows=st.integers(1, 8),
)


@given(schedules)
@settings(max_examples=40, deadline=None)
def test_windows_lie_in_their_range_and_fit_the_run(schedule):
    starts = schedule.starts
    assert (starts[:, 0] == schedule.waiting_times).all()
    for waiting_time, row in zip(schedule.waiting_times, starts, strict=True):
        inside = row[row >= 0]
        assert (np.diff(inside) > 0).all()
        assert inside[-1] <= 1.1 * waiting_time
    assert schedule.times[-1] <= schedule.n_steps
    longest = np.max([lag for pairs in schedule.pairs.values() for _, _, lag in pairs])
    assert schedule.lags[longest] >= schedule.n_steps // 2
    half = np.searchsorted(schedule.lags, schedule.n_steps // 2)
    measured = {(w, k) for pairs in schedule.pairs.values() for w, k, lag in pairs if lag == half}
    assert len(measured) == (starts >= 0).sum()  # every start reaches half the run


@given(schedules, st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_streamed_equals_full_snapshots_to_the_bit(schedule, seed):
    rng = np.random.default_rng(seed)
    snapshots = np.cumsum(rng.normal(size=(schedule.n_steps + 1, 3)), axis=0).astype(np.float32)
    stream = StreamedDisplacement(schedule)
    held = 0
    for step in schedule.times:
        stream.record(int(step), torch.from_numpy(snapshots[step]))
        held = max(held, len(stream.references))
    full = displacement_of_snapshots(schedule, schedule.times, snapshots[schedule.times])
    np.testing.assert_array_equal(stream.table, full)
    assert not stream.references  # nothing is kept beyond its use
    # A start that ends another's last lag is held beside it for a moment in the estimate, not in the stream.
    assert held <= schedule.most_references() <= held + 1
    for step, pairs in schedule.pairs.items():
        for w, k, lag in pairs:
            start = schedule.starts[w, k]
            assert start + schedule.lags[lag] == step
            by_hand = np.mean((snapshots[step].astype(float) - snapshots[start]) ** 2)
            assert full[w, k, lag] == pytest.approx(by_hand, rel=1e-5)  # float32 differences


def test_displacements_far_below_the_weights_keep_their_digits():
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(3_000_000, generator=generator) + 0.5  # in [0.5, 1.5): spacing at most 2^-23
    moved = reference + 2**-17 * torch.randint(-1, 2, reference.shape, generator=generator)
    # Steps of 2^-17 are exact in float32, and so are their differences; only float64 sums of 3e6 terms remain.
    expected = ((moved.double() - reference.double()) ** 2).mean().item()
    assert 0 < expected < 1e-10
    assert mean_square_displacement(moved, reference) == pytest.approx(expected, rel=1e-12)


def test_memory_is_known_before_the_run():
    schedule = TwoTimeSchedule(1000, windows=1)
    assert schedule.memory(89_610) == schedule.most_references() * 89_610 * 4
    assert TwoTimeSchedule(1000, windows=8).most_references() > schedule.most_references()


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_stream_resumes_from_its_memory(cut):
    schedule = TwoTimeSchedule(200)
    walk = np.cumsum(np.random.default_rng(1).normal(size=(201, 4)), axis=0).astype(np.float32)
    uncut, first, second = (StreamedDisplacement(schedule) for _ in range(3))
    for step in schedule.times:
        uncut.record(int(step), torch.from_numpy(walk[step]))
    for step in schedule.times[:cut]:
        first.record(int(step), torch.from_numpy(walk[step]))
    second.restore(first.memory())
    for step in schedule.times[cut:]:
        second.record(int(step), torch.from_numpy(walk[step]))
    np.testing.assert_array_equal(second.table, uncut.table)
