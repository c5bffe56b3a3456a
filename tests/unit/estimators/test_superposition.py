"""Superposition of planted curves."""

import numpy as np
import pytest

from quench.estimators import superposition

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
