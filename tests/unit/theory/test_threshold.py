"""Threshold and followed states of the spherical p-spin model: reference digits, limits, their defining equations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.errors import QuenchError
from quench.theory import threshold
from quench.theory.covariance import Covariance, power

MODELS = st.integers(3, 20)
FRACTIONS = st.floats(1e-6, 1.0)
pure = Covariance.pure
MIXED = Covariance(((3, 0.5), (4, 0.5)))
# Mixed models whose dynamical transition is discontinuous, with one fluctuation-dissipation ratio.
DISCONTINUOUS = st.dictionaries(st.integers(3, 6), st.floats(0.1, 3.0), min_size=1, max_size=3).map(
    lambda terms: Covariance(tuple(terms.items()))
)


def test_reference_digits_for_three_spins():
    # Ten digits, from an independent solution of the asymptotic equations.
    assert threshold.edwards_anderson(pure(3), 0.5) == pytest.approx(0.6388241378, abs=5e-11)
    assert threshold.fdt_violation(pure(3), 0.5) == pytest.approx(0.5653760415, abs=5e-11)
    assert threshold.threshold_energy(pure(3), 0.5) == pytest.approx(-0.8866927719, abs=5e-11)
    assert threshold.asymptotic_multiplier(pure(3), 0.5) == pytest.approx(3.1600783157, abs=5e-11)
    assert threshold.dynamical_temperature(pure(3)) == pytest.approx(math.sqrt(3 / 8), rel=1e-15)


@given(p=MODELS, fraction=FRACTIONS)
def test_plateau_is_marginal_and_is_the_largest_root(p, fraction):
    temperature = fraction * threshold.dynamical_temperature(pure(p))
    q = threshold.edwards_anderson(pure(p), temperature)
    # Conditioning: 1 - q ~ T / scale, so a rounding of q moves (1-q)^2 by 2 eps / (1-q) relative.
    tolerance = 1e-14 + 4e-16 / (1 - q) * 4
    assert p * (p - 1) / 2 * q ** (p - 2) * (1 - q) ** 2 == pytest.approx(temperature**2, rel=tolerance)
    # The curve's maximum lies at (p-2)/p; to its right it falls, so any root there is the largest.
    assert q > (p - 2) / p


@given(p=MODELS, fraction=FRACTIONS)
def test_multiplier_from_the_correlation_on_the_plateau(p, fraction):
    """mu_inf follows a second way, from the stationary dynamics alone: (mu - [f'(1) - f'(q)] / T) (1 - q) = T."""
    temperature = fraction * threshold.dynamical_temperature(pure(p))
    q, x = threshold.edwards_anderson(pure(p), temperature), threshold.fdt_violation(pure(p), temperature)
    # f'(C) = (p/2) C^{p-1}; its difference by expm1, since 1 - q^{p-1} cancels when q is near 1.
    difference = -p / 2 * math.expm1((p - 1) * math.log(q))
    expected = temperature / (1 - q) + difference / temperature
    assert threshold.asymptotic_multiplier(pure(p), temperature) == pytest.approx(expected, rel=1e-8 + 1e-15 / (1 - q))
    assert 0 < x <= 1 + 1e-12


@pytest.mark.parametrize("p", [3, 4, 5, 12])
def test_continuity_at_the_dynamical_temperature(p):
    temperature = threshold.dynamical_temperature(pure(p))
    assert threshold.edwards_anderson(pure(p), temperature) == pytest.approx((p - 2) / (p - 1), rel=1e-12)
    assert threshold.fdt_violation(pure(p), temperature) == pytest.approx(1, rel=1e-12)
    assert threshold.threshold_energy(pure(p), temperature) == pytest.approx(
        threshold.equilibrium_energy(pure(p), temperature), rel=1e-12
    )


@pytest.mark.parametrize("p", [3, 4, 5, 12])
def test_zero_temperature_limit(p):
    limit = -math.sqrt(2 * (p - 1) / p)
    assert threshold.threshold_energy(pure(p), 0) == pytest.approx(limit, rel=1e-15)
    # The first correction is linear, T / 2 times a number of order p.
    for temperature in (1e-6, 1e-12):
        assert threshold.threshold_energy(pure(p), temperature) == pytest.approx(limit, abs=p * temperature + 1e-15)
    assert threshold.edwards_anderson(pure(p), 0) == 1
    assert threshold.fdt_violation(pure(p), 0) == 0


def test_energy_rises_with_temperature():
    temperatures = np.linspace(0, threshold.dynamical_temperature(pure(3)), 200)
    assert np.all(np.diff([threshold.threshold_energy(pure(3), t) for t in temperatures]) > 0)


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
    with pytest.raises(QuenchError, match="between 0 and T_MCT"):
        function(pure(3), temperature)


def test_reference_digits_for_the_mixed_model():
    """3+4 spins: ten digits from an independent solution of the same equations."""
    assert threshold.dynamical_temperature(MIXED) == pytest.approx(0.80516592, abs=5e-9)
    assert threshold.threshold_energy(MIXED, 0) == pytest.approx(-1.6904761905, abs=5e-11)
    for temperature, q, x, energy in (
        (0.4, 0.84713730, 0.27615663, -1.4839497186),
        (0.2, 0.92914431, 0.11845658, -1.5896579173),
    ):
        assert threshold.edwards_anderson(MIXED, temperature) == pytest.approx(q, abs=5e-9)
        assert threshold.fdt_violation(MIXED, temperature) == pytest.approx(x, abs=5e-9)
        assert threshold.threshold_energy(MIXED, temperature) == pytest.approx(energy, abs=5e-11)
        assert threshold.slow_response(MIXED, temperature) == pytest.approx(x / temperature, abs=5e-8)
    assert threshold.asymptotic_multiplier(MIXED, 0) == pytest.approx(2 * math.sqrt(9), rel=1e-14)


def test_reference_digits_of_followed_states():
    limit = threshold.following_temperature(MIXED)
    assert limit == pytest.approx(0.7982754, abs=5e-8)
    # T0 has its maximum there, so that the overlap ends as a square root.
    edge = threshold.followed_state(MIXED, limit * (1 - 1e-13))
    assert (edge.overlap, edge.energy) == pytest.approx((0.7817360, -1.6998061914), abs=2e-6)
    for initial, energy, overlap in ((0.79, -1.70593187, 0.81526567), (0.75, -1.74343342, 0.86448405)):
        state = threshold.followed_state(MIXED, initial)
        assert (state.energy, state.overlap) == pytest.approx((energy, overlap), abs=5e-9)


@given(f=DISCONTINUOUS, fraction=st.floats(0.05, 0.999))
def test_followed_states_obey_their_equations(f, fraction):
    initial = fraction * threshold.following_temperature(f)
    m, energy, mu, chi = threshold.followed_state(f, initial)
    d1, d2 = float(f.df(1.0)), float(f.d2f(1.0))
    assert chi == pytest.approx(m * initial / float(f.df(m)), rel=1e-9)
    assert 1 / chi == pytest.approx(d1 * chi + m * float(f.df(m)) / initial, rel=1e-9)
    assert mu == pytest.approx(1 / chi + d2 * chi) and energy == pytest.approx(-d1 * chi - float(f.f(m)) / initial)
    # Stable: the spectrum of the Hessian, from mu - 2 sqrt(f''(1)) on, is positive.
    assert d2 * chi**2 < 1 and mu > 2 * math.sqrt(d2)
    # Gradient descent goes down from the equilibrium energy.
    assert energy < threshold.equilibrium_energy(f, initial)


@given(f=DISCONTINUOUS, fraction=st.floats(0.01, 0.999))
def test_mixed_threshold_states_are_marginal_and_stationary(f, fraction):
    try:
        temperature = fraction * threshold.dynamical_temperature(f)
        q, x = threshold.edwards_anderson(f, temperature), threshold.fdt_violation(f, temperature)
    except QuenchError as error:
        assert "more than one" in str(error)
        return
    assert float(f.d2f(q)) * (1 - q) ** 2 == pytest.approx(temperature**2, rel=1e-12 / (1 - q))
    assert 0 < x <= 1 + 1e-9
    # mu_inf a second way, from the stationary fast dynamics: (mu - [f'(1) - f'(q)] / T) (1 - q) = T.
    expected = temperature / (1 - q) + float(f.df(1.0) - f.df(q)) / temperature
    assert threshold.asymptotic_multiplier(f, temperature) == pytest.approx(expected, rel=1e-12 / (1 - q) ** 2)


def test_static_transition_of_three_spins():
    """Crisanti & Sommers 1992: T_K = 0.5860."""
    assert threshold.static_temperature(pure(3)) == pytest.approx(0.586, abs=5e-4)
    # p = 2 has no glass: both transitions are continuous, at f''(0) = 1.
    assert threshold.static_temperature(pure(2)) == pytest.approx(1.0, abs=1e-6)
    assert threshold.dynamical_temperature(pure(2)) == pytest.approx(1.0, abs=1e-12)


@given(DISCONTINUOUS)
def test_transitions_are_ordered(f):
    """T_SF may lie below T_K, for 2 C^3 + C^6: then no typical state of equilibrium can be followed to T = 0."""
    dynamical = threshold.dynamical_temperature(f)
    assert threshold.static_temperature(f) < dynamical * (1 + 1e-9)
    assert threshold.following_temperature(f) <= dynamical * (1 + 1e-9)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (((1, 0.25), (3, 0.5)), "random field"),
        (((2, 0.5),), "freeze continuously"),
    ],
)
def test_models_without_followed_states_are_refused(terms, message):
    with pytest.raises(QuenchError, match=message):
        threshold.followed_state(Covariance(terms), 0.5)


def test_followed_states_end_at_their_limit():
    with pytest.raises(QuenchError, match=r"T_SF = 0.798275, got 0.8"):
        threshold.followed_state(MIXED, 0.8)


def test_a_hierarchy_of_time_scales_is_refused():
    """3+16: f''^(-1/2) is not convex (Crisanti & Leuzzi 2004, Phys. Rev. Lett. 93, 217203)."""
    with pytest.raises(QuenchError, match="more than one"):
        threshold.fdt_violation(Covariance(((2, 0.5), (16, 0.5))), 0.1)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), "needs a term k >= 2"),
        (((1, 0.5),), "needs a term k >= 2"),
        (((3, -0.5),), "a_k must be positive"),
        (((3, math.nan),), "a_k must be positive"),
        (((3, 0.5), (3, 0.1)), "occurs twice"),
        (((0, 0.5), (3, 0.1)), "integer from 1 to 50"),
        (((3.5, 0.5),), "integer from 1 to 50"),
        (((99, 0.5),), "integer from 1 to 50"),
    ],
)
def test_covariances_that_are_none(terms, message):
    with pytest.raises(QuenchError, match=message):
        Covariance(terms)


@given(st.dictionaries(st.integers(1, 9), st.floats(0.1, 3.0), min_size=1).filter(lambda terms: max(terms) > 1))
def test_derivatives_of_a_covariance(terms):
    f, exact = Covariance(tuple(terms.items())), np.polynomial.Polynomial([terms.get(k, 0.0) for k in range(10)])
    c = np.linspace(0, 1, 7)
    for order, function in enumerate((f.f, f.df, f.d2f, f.d3f, f.d4f)):
        np.testing.assert_allclose(function(c), (exact.deriv(order) if order else exact)(c), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(f.g(c), f.df(c) + c * f.d2f(c), rtol=1e-13)
    np.testing.assert_allclose(f.dg(c), 2 * f.d2f(c) + c * f.d3f(c), rtol=1e-13, atol=1e-13)


def test_small_integer_powers():
    c = np.array([-0.5, 0.0, 0.3])
    for n in range(5):
        np.testing.assert_allclose(power(c, n), c**n, rtol=1e-15)
