"""Power laws planted with noise and with censoring."""

import numpy as np
import pytest

from quench.estimators import powerlaw
from quench.numerics import intervals


def noisy(exponent, scatter, seed, points=12):
    generator = np.random.Generator(np.random.Philox(seed))
    x = np.geomspace(1e-4, 1e-1, points)
    return x, 3 * x**exponent * np.exp(scatter * generator.standard_normal(points))


def test_exact_power_law():
    x, y = noisy(-0.48, 0, 0)
    found = powerlaw.fit(x, y)
    assert found.value == pytest.approx(-0.48, abs=1e-12)
    assert np.exp(found.intercept) == pytest.approx(3)


def test_exponents_of_networks_are_independent_of_what_they_share():
    """Points of one curve move together; their residuals about one line say nothing of the exponent's error.

    Exponents of 8 networks scatter by 0.1, points about their lines by 1e-3: the residuals of the mean curve would give an
    interval of about 1e-3, a fortieth of the true error 0.1 / sqrt(8), and miss the truth nearly always.
    """
    generator = np.random.Generator(np.random.Philox(5))
    x = np.geomspace(1e-4, 1e-1, 12)
    covered = 0
    for _ in range(200):
        slopes = -0.48 + 0.1 * generator.standard_normal(8)
        y = x[:, None] ** slopes * np.exp(1e-3 * generator.standard_normal((12, 8)))
        found = intervals.mean(powerlaw.exponents(x, y))
        covered += found.low <= -0.48 <= found.high
    # Binomial: 190 of 200 with a standard deviation of 3.1, taken four times.
    assert covered >= 177


def test_unusable_points_are_left_out_and_one_point_gives_nan():
    assert powerlaw.fit([1, 10, 100, 1e3], [1, np.nan, 0, 1e3]).value == pytest.approx(1)
    assert np.isnan(powerlaw.fit([1, 2], [np.nan, 1]).value)


def censored(seed, networks, limit=2e3, scatter=0.3):
    generator = np.random.Generator(np.random.Philox(seed))
    x = np.geomspace(1e2, 1e5, 7)
    truth = 2 * x[:, None] ** 0.7 * np.exp(scatter * generator.standard_normal((7, networks)))
    limits = np.full_like(truth, limit)
    return x, np.where(truth < limits, truth, np.nan), limits


def test_censoring_does_not_bias_the_exponents():
    # Of 7 points about 5 are seen: the error of one exponent is 0.6 / sqrt(5) / 1.7 = 0.16, of the median of 100 0.02.
    x, observed, limits = censored(3, 100, scatter=0.6)
    exponents, _ = powerlaw.censored_exponents(x, observed, limits)
    assert abs(np.median(exponents) - 0.7) < 0.06
    assert np.median(powerlaw.exponents(x, observed)) < np.median(exponents) - 0.03


def test_every_network_has_its_own_exponent():
    x, observed, limits = censored(4, 3, limit=np.inf, scatter=0)
    exponents, intercepts = powerlaw.censored_exponents(x, observed, limits)
    np.testing.assert_allclose(exponents, 0.7)
    np.testing.assert_allclose(intercepts, np.log(2))


def test_censored_fit_of_too_few_values_is_nan():
    assert np.isnan(powerlaw.censored_exponents([1, 10], np.full((2, 3), np.nan), np.full((2, 3), 5.0))[0]).all()
    assert np.isnan(powerlaw.exponents([1, 10, 100], [[1.0], [np.nan], [3.0]], points=3)).all()
