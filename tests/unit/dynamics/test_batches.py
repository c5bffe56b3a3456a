"""The data order of SGD: a function of its key, which visits every sample once per epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quench.dynamics.batches import DataOrder, steps_per_epoch
from quench.numerics.random import integers

KEY = {"seed": 3, "stream": 5}


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 5))
def test_every_sample_is_visited_once_per_epoch(n_samples, batch_size, epoch):
    order, n_steps = DataOrder(n_samples, batch_size, **KEY), steps_per_epoch(n_samples, batch_size)
    visited = [order.batch(n_steps * epoch + step) for step in range(n_steps)]
    assert [len(batch) for batch in visited[:-1]] == [batch_size] * (n_steps - 1)
    assert np.array_equal(np.sort(np.concatenate(visited)), np.arange(n_samples))


def test_a_smaller_last_batch_may_be_left_out():
    kept, dropped = DataOrder(10, 4, 0, 1), DataOrder(10, 4, 0, 1, drop_last=True)
    assert [len(kept.batch(step)) for step in range(3)] == [4, 4, 2]
    assert [len(dropped.batch(step)) for step in range(4)] == [4] * 4
    assert np.array_equal(dropped.batch(1), kept.batch(1))
    assert np.array_equal(dropped.batch(2), kept.batch(3)), "the second epoch starts earlier"
    assert len(DataOrder(3, 4, 0, 1, drop_last=True).batch(0)) == 3


def test_epochs_differ():
    order = DataOrder(100, 100, **KEY)
    assert not np.array_equal(order.batch(0), order.batch(1))


@pytest.mark.parametrize("sampling, block", [("epoch", 1), ("iid", 1), ("iid", 64)])
def test_batch_does_not_depend_on_the_steps_before(sampling, block):
    whole = DataOrder(50, 7, **KEY, sampling=sampling, block=block)
    in_turn = [whole.batch(step) for step in range(200)]
    for step in (199, 3, 64, 63, 0):
        assert np.array_equal(DataOrder(50, 7, **KEY, sampling=sampling, block=block).batch(step), in_turn[step])


def test_independent_draws_share_the_key_of_their_block():
    order, drawn = DataOrder(50, 7, **KEY, sampling="iid", block=10), integers(3, 5, 2, 70, 50)
    assert np.array_equal(np.concatenate([order.batch(step) for step in range(20, 30)]), drawn)


def test_independent_draws_are_uniform():
    order = DataOrder(7, 3, **KEY, sampling="iid", block=64)
    counts = np.bincount(np.concatenate([order.batch(step) for step in range(3000)]))
    # The key is fixed; at this level one key in 10,000 would fail by chance.
    assert stats.chisquare(counts).pvalue > 1e-4
