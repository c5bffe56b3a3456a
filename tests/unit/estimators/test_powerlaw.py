"""Power laws planted with noise and with censoring; superposition of planted curves."""

import numpy as np
import pytest

from quench.estimators import powerlaw, resampling, superposition


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


def test_unusable_points_are_left_out_and_too_few_give_nothing():
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


LAGS = np.unique(np.concatenate([np.arange(11), np.geomspace(10, 1e5, 80).astype(int)])).astype(float)
TAUS = [10.0, 100.0, 1000.0]


def planted(tau, plateau=0.0):
    return np.maximum(superposition.brownian_master(LAGS / tau), plateau)


def test_planted_collapse_is_found():
    curves = [planted(tau) for tau in TAUS]
    scaled = superposition.collapse_score([LAGS / tau for tau in TAUS], curves, (0.5, 50))
    raw = superposition.collapse_score([LAGS] * 3, curves, (10, 1e4))
    assert scaled < 0.005
    assert raw > 20 * scaled


def test_spread_of_shifted_curves_is_their_standard_deviation():
    grid = np.geomspace(1, 100, 50)
    curves = [grid**-0.5 * factor for factor in (1.0, 10.0)]
    assert superposition.collapse_score([grid, grid], curves, (2, 50)) == pytest.approx(0.5)


def test_departure_is_where_the_plateau_begins():
    scaled = LAGS / 10
    left = superposition.departure(scaled, planted(10.0, plateau=0.1))
    # The plateau 0.1 is off by 15 % where the master curve is 0.1/1.15.
    assert superposition.brownian_master(left) == pytest.approx(0.1 / 1.15, rel=0.05)
    assert np.isnan(superposition.departure(scaled, planted(10.0)))


def test_exponent_of_brownian_curves_is_the_brownian_one_and_close_to_one_half():
    curves = [planted(tau) for tau in TAUS]
    value, brownian = superposition.pooled_exponent([LAGS / tau for tau in TAUS], curves, (10, 200))
    assert value == pytest.approx(brownian, abs=1e-12)
    assert -0.5 < brownian < -0.48


def test_exponent_interval_covers_scattered_networks():
    generator = np.random.Generator(np.random.Philox(5))
    spread = np.exp(0.1 * generator.standard_normal(8))
    overlaps = [np.array([planted(tau * factor) for factor in spread]) for tau in TAUS]
    low, high = superposition.exponent_interval(LAGS, overlaps, (10, 200), resamples=50)
    means = [table.mean(axis=0) for table in overlaps]
    value, _ = superposition.pooled_exponent([LAGS / t for t in TAUS], means, (10, 200))
    assert low - 0.01 <= value <= high + 0.01
    assert high - low < 0.05


def test_paired_ratios_do_not_see_what_networks_share():
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


def test_times_that_are_not_reached_have_no_upper_end():
    flat = np.ones((2, len(LAGS)))
    falling = np.array([planted(10.0), np.ones(len(LAGS))])
    samples = resampling.joint_crossings(LAGS, [flat, falling], 0.9, resamples=40)
    assert np.isnan(samples[:, 0]).all()
    assert resampling.spread(samples[:, 1])[2] == np.inf
