"""Intervals over networks: their coverage in simulated ensembles, and their closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quench.networks.state import HIGH_LOSS, LOW_LOSS, most_common
from quench.numerics import intervals
from quench.numerics.intervals import jackknife, quantile, without_each

TRIALS = 20_000
# 95 % within 1 %: the share of 20,000 trials has a standard error of 0.15 %.
NOMINAL = pytest.approx(0.95, abs=0.01)


def covered(low, high, truth):
    return float(np.mean((low <= truth) & (truth <= high)))


def students(numbers):
    """Ends of ``intervals.mean`` for many ensembles at once (network, trial)."""
    return jackknife(without_each(len(numbers)) @ numbers)


@pytest.mark.parametrize("n", [3, 4, 8, 16])
def test_coverage_of_one_number_per_network(n):
    rng = np.random.default_rng(n)
    # Positive numbers that scatter by a third between networks, such as relaxation times.
    logs = 0.33 * rng.normal(size=(n, TRIALS))
    low, high = students(logs)
    assert covered(low, high, 0.0) == NOMINAL
    found = intervals.mean(np.exp(logs[:, 0]), "log")
    assert (found.low, found.high) == pytest.approx((np.exp(low[0]), np.exp(high[0])))


@pytest.mark.parametrize("n", [3, 4, 8, 16])
def test_coverage_of_paired_numbers(n):
    """What a network shares with itself at another temperature drops out of the ratio, which is far better known."""
    rng = np.random.default_rng(10 + n)
    own = 0.33 * rng.normal(size=(n, TRIALS))
    first, second = (own + 0.03 * rng.normal(size=(n, TRIALS)) for _ in range(2))
    low, high = students(first - second)
    assert covered(low, high, 0.0) == NOMINAL
    alone = students(first)
    assert np.median(high - low) < 0.2 * np.median(alone[1] - alone[0])


@pytest.mark.parametrize("n", [3, 4, 8, 16])
def test_coverage_with_two_states(n):
    """Three of ten networks are stuck in a state with another mean: each state apart is covered, their mixture is not."""
    rng = np.random.default_rng(20 + n)
    centres, scatter = {LOW_LOSS: 0.0, HIGH_LOSS: 2.0}, 0.2
    states = np.where(rng.random((n, TRIALS)) < 0.3, HIGH_LOSS, LOW_LOSS)
    numbers = np.vectorize(centres.get)(states) + scatter * rng.normal(size=states.shape)
    hits = total = 0
    main = np.array([most_common(column) for column in states.T])
    counts = (states == main).sum(axis=0)
    for kept in np.unique(counts[counts > 1]):
        chosen = counts == kept
        values = numbers[:, chosen].T[(states[:, chosen] == main[chosen]).T].reshape(-1, kept).T
        low, high = students(values)
        hits += int(((low <= [centres[s] for s in main[chosen]]) & (high >= [centres[s] for s in main[chosen]])).sum())
        total += int(chosen.sum())
    assert hits / total == NOMINAL
    if n <= 4:
        mixture = 0.3 * centres[HIGH_LOSS]
        assert covered(*students(numbers), mixture) < 0.92


@pytest.mark.parametrize("n", [3, 4, 8, 16])
def test_coverage_of_a_ratio_of_means(n):
    """A number of the ensemble, such as a ratio of averaged moments, on the logarithmic scale of the jackknife."""
    rng = np.random.default_rng(30 + n)
    first = 1 + 0.2 * rng.normal(size=(n, TRIALS))
    second = 2 + 0.3 * first + 0.2 * rng.normal(size=(n, TRIALS))
    means = without_each(n)
    assert covered(*jackknife((means @ first) / (means @ second), "log"), 1 / 2.3) == NOMINAL


@pytest.mark.parametrize("n", [3, 4])
def test_percentile_bootstrap_would_cover_far_less(n):
    """All resamples of n networks at once: the reason why no interval here is a bootstrap."""
    rng = np.random.default_rng(40 + n)
    values = rng.normal(size=(n, 2_000))
    picks = rng.integers(0, n, size=(400, n))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5], axis=0)
    assert covered(low, high, 0.0) < 0.85


@pytest.mark.parametrize("sizes", [(3, 3), (4, 2), (8, 4)])
def test_coverage_of_a_difference_between_ensembles(sizes):
    rng = np.random.default_rng(sum(sizes))
    pairs = [(rng.normal(size=sizes[0]), 2 * rng.normal(size=sizes[1])) for _ in range(2_000)]
    ends = np.array([intervals.difference(*pair)[1:3] for pair in pairs])
    # At least 95 %; 1.5 % is three standard errors of 2,000 trials.
    assert covered(ends[:, 0], ends[:, 1], 0.0) >= 0.935


def test_coverage_of_shares():
    """Jeffreys' interval covers 95 % on average over the true shares, here exactly: no simulation."""
    for count in (4, 10, 40):
        ends = np.array([intervals.share(hits, count)[1:3] for hits in range(count + 1)])
        truths = (np.arange(500) + 0.5) / 500
        weights = stats.binom.pmf(np.arange(count + 1), count, truths[:, None])
        inside = (ends[:, 0] <= truths[:, None]) & (truths[:, None] <= ends[:, 1])
        assert (weights * inside).sum(axis=1).mean() == pytest.approx(0.95, abs=0.01)
    assert intervals.share(0, 4).low == 0 and intervals.share(4, 4).high == 1
    assert np.isnan(intervals.share(0, 0).value)


@pytest.mark.parametrize("n", [6, 10, 17])
def test_coverage_of_medians(n):
    rng = np.random.default_rng(n)
    values = rng.exponential(size=(4_000, n))
    ends = np.array([intervals.median(row)[1:3] for row in values])
    # Order statistics cover at least 95 %; the share of 4,000 trials has a standard error of 0.35 %.
    assert covered(ends[:, 0], ends[:, 1], np.log(2)) > 0.94


def test_median_of_fewer_than_six_has_no_interval():
    found = intervals.median([1, 2, 3, 4, np.nan, 5])
    assert found.value == 3 and found.n == 5 and np.isnan(found.low)


def test_times_that_are_not_reached_are_bounds():
    found = intervals.beyond([np.nan, np.nan], [100.0, 400.0])
    assert (found.value, found.low, found.high) == (pytest.approx(200), pytest.approx(200), np.inf)
    some = intervals.beyond([50.0, np.nan, 80.0], [100.0, 100.0, 100.0])
    assert some.low < some.value == pytest.approx((50 * 100 * 80) ** (1 / 3)) and some.high == np.inf


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_interval_of_a_mean_is_students(values):
    low, high = jackknife(without_each(len(values)) @ np.array(values))
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    centre = np.mean(values)
    assert (low, high) == (pytest.approx(centre - half, abs=1e-9), pytest.approx(centre + half, abs=1e-9))
    assert intervals.mean(values) == pytest.approx((centre, centre - half, centre + half, len(values)), abs=1e-9)


def test_jackknife_of_a_number_is_that_of_the_means_it_is_computed_from():
    values = np.array([1.0, 2.0, 4.0])
    found = intervals.leaving_out(lambda kept: values[kept].mean(), 3)
    np.testing.assert_allclose(found, without_each(3) @ values)
    assert intervals.jackknifed(found)[:3] == pytest.approx(intervals.mean(values)[:3])
    assert intervals.leaving_out(lambda kept: values[kept].mean(), 2).tolist() == [1.5, 2, 1]
    alone = intervals.jackknifed(intervals.leaving_out(lambda kept: values[kept].mean(), 1))
    assert alone.value == 1 and np.isnan(alone.low) and alone.n == 1


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=9))
def test_ends_stay_within_the_range_of_their_scale(values):
    means = without_each(len(values)) @ np.array(values)
    low, high = jackknife(means, "log")
    assert 0 <= low <= means[0] * (1 + 1e-12) and high >= means[0] * (1 - 1e-12)
    low, high = jackknife(means, "logit")
    assert 0 <= low <= means[0] * (1 + 1e-12) and means[0] * (1 - 1e-12) <= high <= 1


def test_scales_agree_for_small_errors():
    means = without_each(3) @ np.array([0.499, 0.5, 0.502])
    ends = [jackknife(means, scale) for scale in ("linear", "log", "logit")]
    np.testing.assert_allclose(ends[1:], [ends[0]] * 2, rtol=1e-4)


def test_numbers_at_the_end_of_their_range_have_an_interval_of_no_width():
    for value in (0.0, 1.0):
        assert jackknife(np.full(4, value), "logit") == (value, value)
    assert jackknife(np.zeros(4), "log") == (0, 0)


def test_one_member_has_no_interval():
    assert np.isnan(quantile(1))
    assert np.isnan(jackknife(without_each(1) @ np.ones(1))).all()
    assert np.isnan(intervals.mean([3.0]).low) and intervals.mean([3.0, np.nan]).n == 1
    assert np.isnan(intervals.difference([3.0], [1.0, 2.0]).low)


def test_number_that_does_not_exist_without_one_member_has_no_interval():
    assert np.isnan(jackknife(np.array([3.0, np.nan, 4.0]))).all()


def test_number_that_has_no_logarithm_makes_the_mean_arithmetic():
    assert intervals.mean([1.0, 0.0, 2.0], "log") == intervals.mean([1.0, 0.0, 2.0])
    assert intervals.mean([1.0, 4.0], "log").value == pytest.approx(2)
