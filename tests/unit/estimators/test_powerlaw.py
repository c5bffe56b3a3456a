"""Power laws planted with noise and with censoring."""

import numpy as np
import pytest

from quench.estimators import powerlaw


def noisy(exponent, scatter, seed, points=12):
    generator = np.random.Generator(np.random.Philox(seed))
    x = np.geomspace(1e-4, 1e-1, points)
    return x, 3 * x**exponent * np.exp(scatter * generator.standard_normal(points))


def test_exact_power_law():
    x, y = noisy(-0.48, 0, 0)
    found = powerlaw.fit(x, y)
    assert found.value == pytest.approx(-0.48, abs=1e-12)
    assert np.exp(found.intercept) == pytest.approx(3)


@pytest.mark.parametrize("exponent", [-1.0, 0.3])
def test_interval_covers_the_planted_exponent(exponent):
    # A 95 % interval misses 5 of 100 on average; 14 is four standard deviations (sqrt(100 * 0.05 * 0.95) = 2.2) above.
    missed = 0
    for seed in range(100):
        found = powerlaw.fit(*noisy(exponent, 0.2, seed))
        missed += not found.low <= exponent <= found.high
    assert missed <= 14


def test_points_weigh_by_their_intervals():
    x = np.array([1.0, 10, 100, 1000])
    y = np.array([1.0, 10, 100, 10])
    wide = np.array([1.01, 1.01, 1.01, 1e3])
    found = powerlaw.fit(x, y, y / wide, y * wide)
    assert found.value == pytest.approx(1, abs=1e-3)


def test_unusable_points_are_left_out_and_one_point_gives_nan():
    assert powerlaw.fit([1, 10, 100, 1e3], [1, np.nan, 0, 1e3]).value == pytest.approx(1)
    assert np.isnan(powerlaw.fit([1, 2], [np.nan, 1]).value)


def test_censoring_does_not_bias_the_exponent():
    # 40 networks at 7 times; standard error of the slope 0.6/sqrt(280)/2.4 = 0.015, taken four times.
    generator = np.random.Generator(np.random.Philox(3))
    x = np.geomspace(1e2, 1e5, 7)
    truth = 2 * x[:, None] ** 0.7 * np.exp(0.6 * generator.standard_normal((7, 40)))
    limit = np.full_like(truth, 2e3)
    observed = np.where(truth < limit, truth, np.nan)
    found = powerlaw.censored_fit(x, observed, limit)
    assert found.value == pytest.approx(0.7, abs=0.06)
    assert found.low < 0.7 < found.high
    naive = np.polyfit(
        np.log(np.repeat(x, 40)[np.isfinite(observed.ravel())]), np.log(observed[np.isfinite(observed)]), 1
    )
    assert naive[0] < 0.62


def test_censored_fit_of_nothing_is_nan():
    assert np.isnan(powerlaw.censored_fit([1, 10], np.full((2, 3), np.nan), np.full((2, 3), 5.0)).value)
