"""Whether a run ages: exponents of displacements with known answers, and the sentences."""

import numpy as np
import pytest
import xarray as xr

from quench.estimators import ageing
from quench.estimators.ageing import Fit, in_words
from quench.observables.lengths import Lengths, resolved_lengths

AGES = np.array([10, 100, 1000, 10_000])
LAGS = np.unique(np.concatenate([np.arange(20), np.geomspace(20, 10_000, 60).astype(int)]))
WIDE = Lengths(2.0, 20.0, 10.0)


def displacements(rate):
    """Delta(t_w, t) = t rate(t_w)."""
    values = rate(AGES[:, None].astype(float)) * LAGS
    return xr.DataArray(values, dims=("waiting_time", "lag"), coords={"waiting_time": AGES, "lag": LAGS})


@pytest.mark.parametrize("exponent", [0.0, 0.5, -0.3])
def test_exponent_by_length_is_that_of_the_times(exponent):
    # Delta = t t_w^-a reaches a length after t ~ t_w^a, at every length.
    msd = displacements(lambda age: age**-exponent)
    found = ageing.exponents_by_length(msd, 1.0, resolved_lengths(msd, 1.0))
    np.testing.assert_allclose(found, exponent, atol=0.01)


def test_ages_before_the_first_resolved_one_are_left_out():
    msd = displacements(lambda age: age**-0.5 * np.where(age < 100, 5, 1))
    for first, expected in ((100, pytest.approx(0.5, abs=0.01)), (10, pytest.approx(0.71, abs=0.1))):
        found = ageing.exponents_by_length(msd, 1.0, Lengths(0.3, 0.3, first), 1)
        assert found[0] == expected


def test_exponent_of_one_network_has_the_interval_of_its_scatter():
    x = np.array([10, 100, 1000, 10_000.0])
    value, low, high = ageing.of_one_network(x, 3 * x**0.5)
    assert value == pytest.approx(0.5) and high - low < 1e-9
    # Residuals of +-r on log axes with two degrees of freedom: half width t(0.975, 2) sqrt(sum r^2 / 2 / sum dx^2).
    shift = 0.1 * np.array([1, -1, -1, 1])
    value, low, high = ageing.of_one_network(x, 3 * x**0.5 * np.exp(shift))
    half = 4.302653 * np.sqrt(0.04 / 2 / np.sum((np.log(x) - np.log(x).mean()) ** 2))
    assert (value, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), rel=1e-6)
    # Times that are not reached, and an age of 0, are left out.
    for age, time in ((0, 1.0), (50, np.nan), (50, 0.0)):
        found = ageing.of_one_network(np.append(x, age), np.append(3 * x**0.5, time))
        assert found == pytest.approx(ageing.of_one_network(x, 3 * x**0.5))
    assert ageing.of_one_network(x[:2], x[:2])[0] == pytest.approx(1)
    assert np.isnan(ageing.of_one_network(x[:2], x[:2])[1]) and np.isnan(ageing.of_one_network(x[:1], x[:1])[0])


@pytest.mark.parametrize(
    ("fit", "by_length", "answer"),
    [
        (Fit(0.6, 0.5, 0.7, 10, 1000, 3, 20), [0.5, 0.6], "it ages: tau90 ~ t_w^0.60 [0.50, 0.70] over t_w = 10 to 1000"),
        (Fit(0.01, -0.03, 0.05, 10, 1000, 1, 20), [0.0], "it does not age: tau90 ~ t_w^0.01 [-0.03, 0.05]"),
        (Fit(-0.3, -0.4, -0.2, 10, 1000, 3, 20), [-0.3], "it does not age, but gets faster: "),
        (Fit(0.3, -0.2, 0.8, 10, 1000, 3, 20), [0.3], "cannot be told: tau90 ~ t_w^0.30 [-0.20, 0.80]"),
        (Fit(0.33, np.nan, np.nan, 100, 1000, 1, 80), [0.3], "of 1 network has no interval; record three or more"),
        (Fit(0.3, 0.2, 0.4, 10, 1000, 3, 20), [0.4, -0.3], "depends on the length: 0.40 at chi = 2 and -0.30 at chi = 20"),
        (Fit(0.3, 0.2, 0.4, 10, 1000, 3, 8.7), [0.4], "tau90 falls to 8.7 updates, where weights follow the noise"),
        (Fit(*[np.nan] * 5, 3, np.nan), [], "fewer than two t_w have a tau90 of at least 10 updates"),
    ],
)  # fmt: skip
def test_answer_in_words(fit, by_length, answer):
    text = in_words(fit, by_length, WIDE)
    assert answer in text and "\n" not in text
    assert ("cannot be told" in text) == (not text.startswith("it "))
