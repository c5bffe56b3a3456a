"""Bootstrap intervals over networks."""

import numpy as np
import pytest

from quench.estimators import resampling
from quench.estimators.superposition import brownian_master

LAGS = np.unique(np.concatenate([[0], np.geomspace(1, 1e5, 80).round()]))
TAUS = (10.0, 100.0, 1000.0)


def planted(tau):
    return brownian_master(LAGS / tau)


def test_interval_is_that_of_its_resamples():
    values = np.array([1.0, 2.0, 4.0])
    value, low, high = resampling.interval(lambda chosen: values[chosen].mean(), 3)
    means = np.sort(values[resampling.draws(3)].mean(axis=1))
    assert value == values.mean()
    assert np.mean(means < low) <= 0.025 <= np.mean(means <= low)
    assert np.mean(means > high) <= 0.025 <= np.mean(means >= high)


def test_single_network_has_no_interval():
    value, low, high = resampling.interval(lambda chosen: 3.0, 1)
    assert value == 3 and np.isnan([low, high]).all()


def test_ratios_of_paired_times_are_free_of_common_factors():
    # Two networks three times apart in speed: their tau90 differ, the ratio between two temperatures does not.
    overlaps = [np.array([planted(tau), planted(3 * tau)]) for tau in TAUS]
    samples = resampling.joint_crossings(LAGS, overlaps, 0.9, resamples=40)
    assert samples.shape == (41, 3)
    value, low, high = resampling.spread(samples[:, 2])
    assert high > 2 * low
    ratio, below, above = resampling.spread(samples[:, 2] / samples[:, 1])
    assert ratio == pytest.approx(10, rel=0.02)
    assert above / below < 1.05
    assert low <= value <= high


def test_unreached_times_have_no_upper_end():
    flat = np.ones((2, len(LAGS)))
    falling = np.array([planted(10.0), np.ones(len(LAGS))])
    samples = resampling.joint_crossings(LAGS, [flat, falling], 0.9, resamples=40)
    assert np.isnan(samples[:, 0]).all()
    assert resampling.spread(samples[:, 1])[2] == np.inf
