"""Transition estimators on planted thresholds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.estimators import transitions


def test_shares_that_fall_are_pooled_before_the_crossing():
    # 0.6 and 0.3 pool to 0.45, with twice the weight on 0.3 to 0.4: the crossing lies between the last two points.
    for counts, pooled in ([1, 1, 1, 1], 0.45), ([1, 1, 2, 1], 0.4):
        expected = 3 * (4 / 3) ** ((0.5 - pooled) / (0.9 - pooled))
        assert transitions.half_crossing([1, 2, 3, 4], [0.1, 0.6, 0.3, 0.9], counts) == pytest.approx(expected)


@given(st.floats(0.15, 1.5))
@settings(max_examples=30, deadline=None)
def test_a_sharp_threshold_is_found_between_its_neighbours(planted):
    ratio = np.geomspace(0.1, 2, 12)
    loss = np.where(ratio[:, None] > planted, 1e-8, 1e-1) * np.ones(5)
    value, low, high, count = transitions.fitting_threshold(ratio, loss)
    assert count == 5
    right = np.searchsorted(ratio, planted)
    assert ratio[right - 1] <= value <= ratio[right]
    assert low == pytest.approx(value)
    assert high == pytest.approx(value)


def test_a_rounded_threshold_lies_in_its_interval():
    # Success probability 1/2 at N/P = 0.4, ten networks a point: the interval covers 0.4 in 19 of 20 data sets on
    # average; of 40 sets, 32 is four standard deviations (sqrt(40 * 0.95 * 0.05) = 1.4) below 38.
    ratio = np.geomspace(0.1, 2, 12)
    share = 1 / (1 + (0.4 / ratio) ** 3)
    generator = np.random.Generator(np.random.Philox(7))
    covered = 0
    for _ in range(40):
        loss = np.where(generator.random((12, 10)) < share[:, None], 1e-9, 0.1)
        found = transitions.fitting_threshold(ratio, loss)
        covered += found.low <= 0.4 <= found.high
    assert covered >= 32


def test_diverged_networks_are_not_fitted():
    ratio = np.array([0.1, 0.2, 0.4, 0.8])
    loss = np.array([[0.1, 0.1], [np.nan, np.nan], [1e-9, 1e-9], [1e-9, 1e-9]])
    value = transitions.fitting_threshold(ratio, loss).value
    assert 0.2 < value < 0.4


def test_threshold_outside_the_grid_lies_on_its_side_of_it():
    never, always = [[0.1, 0.1], [0.1, 0.1]], [[1e-9, 1e-9], [1e-9, 1e-9]]
    assert transitions.fitting_threshold([0.1, 0.2], never).value == np.inf
    assert transitions.fitting_threshold([0.1, 0.2], always).value == 0
    # Without its only network that fails, this ensemble is always fitted: below the grid, and not at infinity.
    found = transitions.fitting_threshold([0.1, 0.2], [[0.1, 1e-9, 0.1], [1e-9, 1e-9, 1e-9]])
    assert found.value < 0.2 and not found.high > 0.2


@given(st.floats(0.002, 0.09))
def test_planted_change_point(planted):
    strengths = np.geomspace(0.001, 0.1, 17)
    found = transitions.change_point(strengths, strengths > planted)
    right = np.searchsorted(strengths, planted, side="right")
    assert strengths[right - 1] <= found <= strengths[right]


def test_change_point_is_robust_to_one_misplaced_state():
    strengths = np.arange(1, 11) / 100
    state = strengths > 0.055
    state[8] = False
    assert transitions.change_point(strengths, state) == pytest.approx(np.sqrt(0.05 * 0.06))


def test_never_or_always_trivial_is_censored():
    strengths = np.arange(1, 6) / 100
    for first in (1, 4):
        found = transitions.change_point(strengths, np.arange(5) >= first)
        assert found == pytest.approx(np.sqrt(strengths[first - 1] * strengths[first]))
    assert np.isnan(transitions.change_point(strengths, np.zeros(5, bool)))
    assert np.isnan(transitions.change_point(strengths, np.ones(5, bool)))


def test_trivialisation_of_every_network_and_its_median():
    strengths = np.geomspace(0.005, 0.05, 25)
    planted = np.array([0.018, 0.02, 0.025, 0.03, 0.034])
    loss = np.where(strengths[:, None] > planted, 0.5, 0.3)
    found = transitions.trivialisation(strengths, loss)
    assert np.abs(np.log(found / planted)).max() < np.log(strengths[1] / strengths[0])
    # Points at which a network diverged are neither trivial nor not.
    diverged = np.where(np.arange(25)[:, None] >= 22, np.nan, loss)
    np.testing.assert_array_equal(transitions.trivialisation(strengths, diverged), found)


def test_change_point_of_two_equal_gaps_is_their_geometric_middle():
    # One misplaced state: gaps after 0.02 and after 0.04 misclassify one point each.
    strengths = np.array([0.01, 0.02, 0.03, 0.04, 0.05])
    state = np.array([False, False, True, False, True])
    middles = np.sqrt([0.02 * 0.03, 0.04 * 0.05])
    assert transitions.change_point(strengths, state) == pytest.approx(np.sqrt(middles.prod()))
    # Of three equal gaps the one in the middle.
    strengths, state = np.arange(1, 8) / 100, np.array([0, 0, 1, 0, 1, 0, 1], dtype=bool)
    assert transitions.change_point(strengths, state) == pytest.approx(np.sqrt(0.04 * 0.05))


def test_single_networks_jump_while_their_mean_is_rounded():
    strengths = np.linspace(0.01, 0.05, 21)
    loss = np.where(strengths[:, None] > np.linspace(0.015, 0.045, 20), 0.5, 0.3)
    assert transitions.largest_rise(loss) == pytest.approx(np.ones(20))
    assert transitions.largest_rise(loss.mean(axis=1)) < 0.2
