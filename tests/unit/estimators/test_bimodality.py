"""The test of bimodality on planted displacements."""

import numpy as np
import pytest

from quench.estimators import bimodality
from quench.observables.displacement import MOTILITY_EDGES


def histogram(displacements):
    return np.histogram(np.log10(np.abs(displacements)), bins=MOTILITY_EDGES)[0]


def gaussian(count, seed, scale=1e-3):
    return scale * np.random.Generator(np.random.Philox(seed)).standard_normal(count)


def test_gaussian_displacements_are_unimodal():
    # Under a unimodal null p < 0.05 at most 1 time in 20; the dip is conservative, so none of 10 below 0.01 is expected
    # with probability > 0.9 even if it were not.
    values = [bimodality.dip(histogram(gaussian(4000, seed)), MOTILITY_EDGES)[1] for seed in range(10)]
    assert min(values) > 0.01
    assert bimodality.valley(histogram(gaussian(4000, 1)), MOTILITY_EDGES) < 0.1


def test_two_populations_are_bimodal():
    mixed = np.concatenate([gaussian(2000, 1), gaussian(1500, 2, scale=1e-6)])
    statistic, p_value = bimodality.dip(histogram(mixed), MOTILITY_EDGES)
    assert p_value < 1e-3
    assert statistic > 0.05
    assert bimodality.valley(histogram(mixed), MOTILITY_EDGES) > 0.5


def test_ties_within_bins_are_no_modes():
    # A flat histogram of few wide bins: every bin holds 100 equal counts and must pass for a uniform distribution.
    _, p_value = bimodality.dip(np.full(20, 100), np.linspace(0, 1, 21))
    assert p_value > 0.5


def test_four_values_are_the_fewest():
    edges = np.linspace(0, 1, 3)
    assert np.isnan(bimodality.dip([2, 1], edges)).all() and np.isfinite(bimodality.dip([2, 2], edges)).all()


def test_values_lie_in_their_own_bin():
    # A flat density in bins of unequal width: values moved out of their bins would leave gaps.
    widths = np.array([1, 4, 1, 4, 1, 4])
    _, p_value = bimodality.dip(100 * widths, np.concatenate([[0], widths.cumsum()]))
    assert p_value > 0.5


def test_thinning_a_large_sample_keeps_the_verdict():
    counts = histogram(np.concatenate([gaussian(100_000, 1), gaussian(50_000, 2, scale=1e-6)]))
    assert bimodality.dip(counts, MOTILITY_EDGES)[1] < 1e-3


def test_too_few_values_have_no_verdict():
    assert np.isnan(bimodality.dip(np.array([1, 1]), np.array([0.0, 1, 2]))).all()


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.04 times 3, 2, 1: 0.03, 0.04, 0.04.
    assert bimodality.holm([0.04, np.nan, 0.01, 0.02]) == pytest.approx([0.04, np.nan, 0.03, 0.04], nan_ok=True)
    assert bimodality.holm([[0.9, 0.8]]) == pytest.approx(np.array([[1.0, 1.0]]))


def test_networks_of_different_speed_are_one_population():
    tables = np.array([histogram(gaussian(3000, 1)), histogram(gaussian(3000, 2, scale=1e-7))])
    assert bimodality.dip(tables.sum(axis=0), MOTILITY_EDGES)[1] < 1e-3
    pooled = bimodality.aligned(tables)
    assert pooled.sum() == tables.sum()
    assert bimodality.dip(pooled, MOTILITY_EDGES)[1] > 0.01


def test_diverged_networks_are_left_out_of_the_pool():
    alive = histogram(gaussian(1000, 1))
    assert (bimodality.aligned([alive, np.full_like(alive, -1)]) == alive).all()
    assert bimodality.aligned([np.full_like(alive, -1)]).sum() == 0
