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


def test_few_weights_do_not_leave_by_chance():
    """At Q = 0.02 the count of 40 weights among 2,000 scatters by 16 %: more than the 15 % that would be a departure."""
    generator = np.random.Generator(np.random.Philox(3))
    scaled = np.geomspace(1, 2e3, 30)
    curves = [generator.binomial(2000, superposition.brownian_master(scaled)) / 2000 for _ in range(50)]
    assert np.mean([np.isfinite(superposition.departure(scaled, curve)) for curve in curves]) > 0.1
    # Three standard errors at the last point: 3 in 1,000.
    assert sum(np.isfinite(superposition.departure(scaled, curve, 2000)) for curve in curves) <= 1
    # A plateau of twice the last value is no chance.
    assert np.isfinite(superposition.departure(scaled, np.maximum(superposition.brownian_master(scaled), 0.06), 2000))


@pytest.mark.parametrize(("errors", "leaves"), [(2.9, False), (3.1, True)])
def test_a_curve_leaves_at_three_binomial_errors(errors, leaves):
    """Of 100 weights three errors exceed 15 % of Q where Q < 0.8."""
    scaled = np.geomspace(3, 30, 20)
    free = superposition.brownian_master(scaled)
    off = free + errors * np.sqrt(free * (1 - free) / 100)
    assert np.isfinite(superposition.departure(scaled, off, 100)) == leaves


def test_exponent_of_brownian_curves_is_the_brownian_one_and_close_to_one_half():
    curves = [planted(tau) for tau in TAUS]
    value, brownian = superposition.pooled_exponent([LAGS / tau for tau in TAUS], curves, (10, 200), [np.nan] * 3)
    assert value == pytest.approx(brownian, abs=1e-12)
    assert -0.5 < brownian < -0.48


def test_exponent_ends_where_a_curve_leaves():
    scaled = LAGS / 10
    curve = planted(10.0, plateau=0.2)
    left = superposition.departure(scaled, curve)
    complete, brownian = superposition.pooled_exponent([scaled], [curve], (10, 200), [np.nan])
    assert complete > brownian + 0.1
    # Up to 15 % off at its end.
    value, brownian = superposition.pooled_exponent([scaled], [curve], (10, 200), [left])
    assert value == pytest.approx(brownian, abs=0.05)
