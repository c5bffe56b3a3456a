"""Threshold states of the spherical p-spin model: reference digits, exact limits, their defining equations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.errors import QuenchError
from quench.theory import threshold

MODELS = st.integers(3, 20)
FRACTIONS = st.floats(1e-6, 1.0)


def test_reference_digits_for_three_spins():
    # Ten digits, from an independent solution of the asymptotic equations.
    assert threshold.edwards_anderson(3, 0.5) == pytest.approx(0.6388241378, abs=5e-11)
    assert threshold.fdt_violation(3, 0.5) == pytest.approx(0.5653760415, abs=5e-11)
    assert threshold.threshold_energy(3, 0.5) == pytest.approx(-0.8866927719, abs=5e-11)
    assert threshold.asymptotic_multiplier(3, 0.5) == pytest.approx(3.1600783157, abs=5e-11)
    assert threshold.dynamical_temperature(3) == pytest.approx(math.sqrt(3 / 8), rel=1e-15)


@given(p=MODELS, fraction=FRACTIONS)
def test_plateau_is_marginal_and_is_the_largest_root(p, fraction):
    temperature = fraction * threshold.dynamical_temperature(p)
    q = threshold.edwards_anderson(p, temperature)
    # Conditioning: 1 - q ~ T / scale, so a rounding of q moves (1-q)^2 by 2 eps / (1-q) relative.
    tolerance = 1e-14 + 4e-16 / (1 - q) * 4
    assert p * (p - 1) / 2 * q ** (p - 2) * (1 - q) ** 2 == pytest.approx(temperature**2, rel=tolerance)
    # The curve's maximum lies at (p-2)/p; to its right it falls, so any root there is the largest.
    assert q > (p - 2) / p


@given(p=MODELS, fraction=FRACTIONS)
def test_multiplier_from_the_correlation_on_the_plateau(p, fraction):
    """mu_inf follows a second way, from the stationary dynamics alone: (mu - [f'(1) - f'(q)] / T) (1 - q) = T."""
    temperature = fraction * threshold.dynamical_temperature(p)
    q, x = threshold.edwards_anderson(p, temperature), threshold.fdt_violation(p, temperature)
    # f'(C) = (p/2) C^{p-1}; its difference by expm1, since 1 - q^{p-1} cancels when q is near 1.
    difference = -p / 2 * math.expm1((p - 1) * math.log(q))
    expected = temperature / (1 - q) + difference / temperature
    assert threshold.asymptotic_multiplier(p, temperature) == pytest.approx(expected, rel=1e-8 + 1e-15 / (1 - q))
    assert 0 < x <= 1 + 1e-12


@pytest.mark.parametrize("p", [3, 4, 5, 12])
def test_continuity_at_the_dynamical_temperature(p):
    temperature = threshold.dynamical_temperature(p)
    assert threshold.edwards_anderson(p, temperature) == pytest.approx((p - 2) / (p - 1), rel=1e-12)
    assert threshold.fdt_violation(p, temperature) == pytest.approx(1, rel=1e-12)
    assert threshold.threshold_energy(p, temperature) == pytest.approx(
        threshold.equilibrium_energy(temperature), rel=1e-12
    )


@pytest.mark.parametrize("p", [3, 4, 5, 12])
def test_zero_temperature_limit(p):
    limit = -math.sqrt(2 * (p - 1) / p)
    assert threshold.threshold_energy(p, 0) == pytest.approx(limit, rel=1e-15)
    # The first correction is linear, T / 2 times a number of order p.
    for temperature in (1e-6, 1e-12):
        assert threshold.threshold_energy(p, temperature) == pytest.approx(limit, abs=p * temperature + 1e-15)
    assert threshold.edwards_anderson(p, 0) == 1
    assert threshold.fdt_violation(p, 0) == 0


def test_energy_rises_with_temperature():
    temperatures = np.linspace(0, threshold.dynamical_temperature(3), 200)
    assert np.all(np.diff([threshold.threshold_energy(3, t) for t in temperatures]) > 0)


@pytest.mark.parametrize(
    "function",
    [
        threshold.edwards_anderson,
        threshold.fdt_violation,
        threshold.threshold_energy,
        threshold.asymptotic_multiplier,
    ],
)
@pytest.mark.parametrize("temperature", [-0.1, 0.6124, 5.0, float("nan")])
def test_outside_the_glass_is_an_error(function, temperature):
    with pytest.raises(QuenchError, match="between 0 and T_d"):
        function(3, temperature)


@pytest.mark.parametrize("p", [2, 1, 3.5])
def test_models_without_a_threshold_are_refused(p):
    with pytest.raises(QuenchError, match="at least 3"):
        threshold.dynamical_temperature(p)
