"""The harmonic well against quadrature of its density, its exact recursion, simulated updates and exact limits."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erf

from quench.errors import QuenchError
from quench.theory import brownian
from quench.theory.harmonic import DiscreteWell, Well

# KWJ Fig. A5: k = 100 and 0.01, 2T = 1, mu = 1, no P_D.
STEEP = Well(stiffness=100.0, step_size=1.0, temperature=0.5)
SHALLOW = Well(stiffness=0.01, step_size=1.0, temperature=0.5)


@pytest.mark.parametrize("well", [STEEP, SHALLOW, Well(0.01, 1e-3, 0.1, 60_000)])
@pytest.mark.parametrize("relative_lag", [0.01, 0.3, 5.0])
def test_density_is_normalised_with_the_stated_moments_and_overlap(well, relative_lag):
    lag, start, epsilon = relative_lag / well.relaxation_rate, 0.7, 0.1
    mean, deviation = well.decay(lag) * start, np.sqrt(well.variance(lag))
    span = (mean - 12 * deviation, mean + 12 * deviation)

    def integral(function, low, high):
        inner = sorted({low, *np.clip([mean - 3 * deviation, mean, mean + 3 * deviation], low, high), high})
        return sum(quad(function, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in itertools.pairwise(inner))

    def density(w):
        return well.transition_density(w, lag, start)

    assert integral(density, *span) == pytest.approx(1, abs=1e-11)
    assert integral(lambda w: w * density(w), *span) == pytest.approx(mean, abs=1e-11)
    assert integral(lambda w: (w - mean) ** 2 * density(w), *span) == pytest.approx(deviation**2, rel=1e-10)
    window = (max(start - epsilon, span[0]), min(start + epsilon, span[1]))
    expected = integral(density, *window) if window[0] < window[1] else 0.0
    assert well.overlap(lag, start, epsilon) == pytest.approx(expected, abs=1e-11)


def test_density_solves_the_fokker_planck_equation():
    well, lag, start, weight = Well(0.7, 0.3, 0.4, 2.0), 1.3, 0.6, 0.25
    h = 1e-3

    def density(w, t):
        return well.transition_density(w, t, start)

    rate = (density(weight, lag + h) - density(weight, lag - h)) / (2 * h)
    around = density(weight + h * np.arange(-1, 2), lag)
    drift = well.relaxation_rate * (around[1] + weight * (around[2] - around[0]) / (2 * h))
    diffusion = well.diffusion * (around[2] - 2 * around[1] + around[0]) / h**2
    # KWJ Eq. 16; central differences err by h^2 times derivatives of order one.
    assert rate == pytest.approx(drift + diffusion, abs=1e-5)


def test_short_times_are_brownian_and_long_times_the_plateau():
    well = Well(stiffness=0.01, step_size=1e-3, temperature=0.1, n_samples=60_000)
    starts = np.random.default_rng(3).normal(0, 0.05, 500)
    # In a time t the pull moves a weight by mu k t |w| <= 1e-5 * 0.2, 1e-3 of epsilon.
    free = brownian.overlap(1.0, 2e-3, well.diffusion)
    assert well.overlap(1.0, starts, 2e-3) == pytest.approx(free, abs=1e-3)
    late = 40 / well.relaxation_rate
    assert well.overlap(late, starts, 2e-3) == pytest.approx(well.overlap_plateau(starts, 2e-3), rel=1e-12)
    scale = np.sqrt(well.stiffness * well.n_samples / (2 * well.temperature))
    printed = 0.5 * (erf(scale * (starts + 2e-3)) - erf(scale * (starts - 2e-3)))
    assert well.overlap_plateau(starts, 2e-3) == pytest.approx(printed.mean(), rel=1e-12)


def test_plateau_falls_as_the_inverse_root_of_temperature():
    # Far above k P_D w^2 every weight's density is flat across the window: Q_inf = 2 epsilon sqrt(k P_D / (2 pi T)).
    starts = np.random.default_rng(4).normal(0, 0.05, 500)
    cold, hot = (Well(0.01, 1e-3, t, 60_000).overlap_plateau(starts, 1e-3) for t in (1e4, 1e6))
    assert np.log(hot / cold) / np.log(100) == pytest.approx(-0.5, abs=1e-4)
    assert hot == pytest.approx(2e-3 * np.sqrt(600 / (2 * np.pi * 1e6)), rel=1e-5)


def test_figure_a5_steeper_decays_faster():
    lags = np.geomspace(1e-4, 1e3, 60)
    steep, shallow = (well.overlap(lags, 1.0, 0.1) for well in (STEEP, SHALLOW))
    assert np.all(steep <= shallow + 1e-12)
    assert STEEP.overlap(0.01, 1.0, 0.1) < 0.01
    assert SHALLOW.overlap(0.01, 1.0, 0.1) > 0.5


@pytest.mark.parametrize("kind", [Well, DiscreteWell])
def test_limits_are_exact_and_finite(kind):
    starts = np.array([-1.0, 0.0, 0.05, 0.1, 2.0])
    frozen = kind(stiffness=0.1, step_size=0.1, temperature=0.0)
    assert frozen.overlap([0, 10_000], starts, 0.1).tolist() == [1, 0.6]
    assert frozen.overlap_plateau(starts, 0.1) == 0.6
    assert kind(0.1, 0.1, 0.5).overlap(0, starts, 0.1) == 1
    free = kind(stiffness=0.0, step_size=0.1, temperature=0.5)
    lags = np.array([0.0, 1, 7, 1e6])
    np.testing.assert_allclose(free.overlap(lags, starts, 0.1), brownian.overlap(lags, 0.1, free.diffusion), rtol=1e-13)
    np.testing.assert_allclose(free.equilibrium_msd(lags), brownian.msd(lags, free.diffusion), rtol=1e-13)
    faint = kind(stiffness=1e-3, step_size=1e-3, temperature=1e-300, n_samples=60_000)
    assert np.all(np.isfinite(faint.overlap([0, 1, 1e6], starts, 0.1)))


@given(
    mean=st.floats(0, 30), log_width=st.floats(-12, 2), stiffness=st.floats(1e-3, 10), temperature=st.floats(1e-6, 10)
)
def test_window_probability_keeps_its_digits(mean, log_width, stiffness, temperature):
    mpmath = pytest.importorskip("mpmath")
    well = Well(stiffness, 1.0, temperature)
    deviation = np.sqrt(well.stationary_variance)
    epsilon, start = 10**log_width * deviation, mean * deviation
    with mpmath.workdps(400):
        root = mpmath.sqrt(2 * mpmath.mpf(float(well.stationary_variance)))
        low, high = (mpmath.mpf(start) - epsilon) / root, (mpmath.mpf(start) + epsilon) / root
        exact = float((mpmath.erf(high) - mpmath.erf(low)) / 2)
    # Rounding of the exponent mean^2/2 <= 450 alone costs 450 ulp; subnormal numbers have no relative accuracy.
    assert well.overlap_plateau(start, epsilon) == pytest.approx(exact, rel=3e-13, abs=1e-300)


def test_erratum_displacement_is_twice_the_variance():
    well = Well(stiffness=0.01, step_size=1e-3, temperature=0.1, n_samples=60_000)
    # KWJ App. H's own numbers: T / (k P_D) = 1.67e-4.
    assert well.stationary_variance == pytest.approx(0.1 / 600, rel=1e-14)
    assert well.independent_msd == pytest.approx(0.2 / 600, rel=1e-14)
    assert well.equilibrium_msd(50 / well.relaxation_rate) == pytest.approx(well.independent_msd, rel=1e-12)
    starts = np.random.default_rng(5).normal(0, np.sqrt(well.stationary_variance), 1_000_000)
    lags = np.array([1e3, 1e5, 1e7])
    # <w0^2> of a million Gaussian samples is off by at most 5 sqrt(2e-6) relative.
    np.testing.assert_allclose(well.msd(lags, starts), well.equilibrium_msd(lags), rtol=5 * np.sqrt(2e-6))


@pytest.mark.parametrize("rate", [0.003, 0.4, 1.0, 1.7])
def test_discrete_variance_obeys_its_recursion(rate):
    well = DiscreteWell(stiffness=rate / 0.05, step_size=0.05, temperature=0.3, n_samples=7)
    lags = np.arange(60)
    variance, mean = np.zeros(60), np.ones(60)
    for n in range(1, 60):
        variance[n] = (1 - rate) ** 2 * variance[n - 1] + 2 * well.diffusion
        mean[n] = (1 - rate) * mean[n - 1]
    np.testing.assert_allclose(well.variance(lags), variance, rtol=1e-12)
    np.testing.assert_allclose(well.decay(lags), mean, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(well.relaxed(lags), 1 - mean, rtol=1e-11, atol=1e-16)
    fixed_point = (1 - rate) ** 2 * well.stationary_variance + 2 * well.diffusion
    assert well.stationary_variance == pytest.approx(fixed_point, rel=1e-13)


def test_discrete_well_tends_to_the_continuous_one():
    lag = 3.0
    errors = []
    for n in (100, 200):
        discrete = DiscreteWell(stiffness=1.0, step_size=lag / n, temperature=0.5)
        continuous = Well(stiffness=1.0, step_size=lag / n, temperature=0.5)
        errors.append(discrete.overlap(n, 0.8, 0.3) - continuous.overlap(n, 0.8, 0.3))
    # The scheme is of first order in mu k: halving it halves the difference, to second order.
    assert errors[1] / errors[0] == pytest.approx(0.5, abs=0.02)


def test_simulated_updates_follow_the_discrete_well():
    rng = np.random.default_rng(12)
    well = DiscreteWell(stiffness=2.0, step_size=0.3, temperature=0.05, n_samples=3)
    starts, repeats, epsilon = np.array([0.02, 0.1, 0.3]), 40_000, 0.1
    weights = np.repeat(starts[:, None], repeats, axis=1)
    for _ in range(4):
        weights += -0.3 * 2.0 * weights + np.sqrt(2 * well.diffusion) * rng.standard_normal(weights.shape)
    moved = weights - starts[:, None]
    n = weights.size
    # Five standard errors of a fraction (at most 1/4) and of a mean of squares (measured).
    assert np.mean(np.abs(moved) <= epsilon) == pytest.approx(
        well.overlap(4, starts, epsilon), abs=5 * np.sqrt(0.25 / n)
    )
    assert np.mean(moved**2) == pytest.approx(well.msd(4, starts), abs=5 * np.std(moved**2) / np.sqrt(n))


def test_equilibrium_overlap_is_the_average_over_equilibrium_starts():
    well = Well(stiffness=0.5, step_size=0.1, temperature=0.2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    starts = nodes * np.sqrt(well.stationary_variance)
    for lag in (2.0, 20.0, 200.0):
        each = np.array([well.overlap(lag, start, 0.3) for start in starts])
        average = each @ weights / np.sqrt(2 * np.pi)
        # Eighty Gauss-Hermite nodes integrate these smooth windows (width of order the spread) to 1e-8.
        assert well.equilibrium_overlap(lag, 0.3) == pytest.approx(average, abs=1e-8)


def test_overlap_has_the_shape_of_lag():
    starts = np.linspace(-1, 1, 30).reshape(5, 6)
    lags = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    together = SHALLOW.overlap(lags, starts, 0.1)
    assert together.shape == (2, 3)
    assert together[1, 0] == pytest.approx(np.mean([SHALLOW.overlap(4.0, w, 0.1) for w in starts.ravel()]), rel=1e-13)


def test_mistakes_are_told():
    with pytest.raises(QuenchError, match="step_size > 0"):
        Well(stiffness=1.0, step_size=0.0, temperature=1.0)
    with pytest.raises(QuenchError, match="stiffness > 0"):
        _ = Well(stiffness=0.0, step_size=1.0, temperature=1.0).stationary_variance
    with pytest.raises(QuenchError, match="< 2"):
        _ = DiscreteWell(stiffness=2.5, step_size=1.0, temperature=1.0).stationary_variance
    with pytest.raises(QuenchError, match="whole numbers"):
        DiscreteWell(stiffness=1.0, step_size=0.1, temperature=1.0).decay(0.5)
