"""Free Brownian weights against quadrature, exact limits and a simulation of the very steps a network takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from quench.errors import QuenchError
from quench.theory import brownian

POSITIVE = st.floats(1e-12, 1e6)


def test_overlap_is_the_integral_of_the_displacement_density():
    diffusion, epsilon = 3e-7, 2e-3
    for lag in (0.5, 4.0, 1e3):
        integral, error = quad(brownian.displacement_density, -epsilon, epsilon, args=(lag, diffusion), epsrel=1e-12)
        assert brownian.overlap(lag, epsilon, diffusion) == pytest.approx(integral, abs=10 * error + 1e-13)


def test_overlap_and_msd_match_simulated_steps():
    rng = np.random.default_rng(11)
    step_size, temperature, n_samples, epsilon, n_weights, n_steps = 1e-3, 0.1, 2000, 1e-3, 40_000, 25
    noise = np.sqrt(2 * step_size * temperature / n_samples)
    displacement = (noise * rng.standard_normal((n_steps, n_weights))).sum(axis=0)
    diffusion = brownian.diffusion_constant(step_size, temperature, n_samples)
    expected = brownian.overlap(n_steps, epsilon, diffusion)
    # Five standard errors: a binomial fraction, and the relative error sqrt(2/n) of a Gaussian's variance.
    assert np.mean(np.abs(displacement) <= epsilon) == pytest.approx(
        expected, abs=5 * np.sqrt(expected * (1 - expected) / n_weights)
    )
    assert np.mean(displacement**2) == pytest.approx(brownian.msd(n_steps, diffusion), rel=5 * np.sqrt(2 / n_weights))


@given(level=st.floats(1e-6, 1 - 1e-6), epsilon=st.floats(1e-7, 1.0), diffusion=POSITIVE)
def test_tau_inverts_overlap(level, epsilon, diffusion):
    # Q's relative condition number in tau is at most 1/2, and 1 - level loses up to six digits to erfinv.
    assert brownian.overlap(brownian.tau(level, epsilon, diffusion), epsilon, diffusion) == pytest.approx(
        level, rel=1e-9
    )


def test_tau90_is_the_line_of_the_papers():
    # epsilon^2 P_D / (4 mu T erfinv(0.9)^2) with the paper's P_D and mu at T = 1e-3; erfinv(0.9) = 1.1630871536766743.
    epsilon, step_size, temperature, n_samples = 5e-4, 1e-3, 1e-3, 60_000
    expected = epsilon**2 * n_samples / (4 * step_size * temperature * 1.1630871536766743**2)
    diffusion = brownian.diffusion_constant(step_size, temperature, n_samples)
    assert brownian.tau90(epsilon, diffusion) == pytest.approx(expected, rel=1e-13)
    assert brownian.tau90(epsilon, diffusion / 10) == pytest.approx(10 * expected, rel=1e-13)


def test_nothing_moves_without_time_or_temperature():
    lags = np.array([0.0, 1.0, 1e9])
    assert brownian.overlap(lags, 1e-3, 0.0).tolist() == [1, 1, 1]
    assert brownian.overlap(0.0, 1e-3, 1e-6) == 1
    assert brownian.overlap_slope(lags, 1e-3, 0.0).tolist() == [0, 0, 0]
    assert brownian.tau90(1e-3, 0.0) == np.inf


@given(lag=st.floats(1e-3, 1e12), epsilon=st.floats(1e-7, 1.0), diffusion=st.floats(1e-16, 1.0))
def test_slope_is_the_derivative_of_overlap(lag, epsilon, diffusion):
    step = 1e-4
    ends = brownian.overlap(lag * np.exp([-step, step]), epsilon, diffusion)
    difference = np.diff(np.log(ends))[0] / (2 * step)
    # Central difference: step^2 times the third derivative (below 1), plus rounding / step.
    assert brownian.overlap_slope(lag, epsilon, diffusion) == pytest.approx(difference, abs=1e-8 + 1e-15 / step)


def test_slope_ends_at_one_half():
    assert brownian.overlap_slope(1e30, 1e-3, 1e-3) == pytest.approx(-0.5, abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, float("nan")])
def test_impossible_levels_are_refused(level):
    with pytest.raises(QuenchError, match="between 0 and 1"):
        brownian.tau(level, 1e-3, 1e-6)


def test_negative_temperature_is_refused():
    with pytest.raises(QuenchError, match="temperature >= 0"):
        brownian.diffusion_constant(1e-3, -1.0, 100)


def test_persistence_is_the_survival_between_two_walls():
    """The sum over modes alone, with as many terms as it takes: 300 from sqrt(4 D t) = epsilon/100 on."""
    diffusion, epsilon, odd = 1e-3, 0.2, 2 * np.arange(300) + 1
    lag = np.geomspace(1e-3, 1e3, 50)
    decay = np.exp(-(odd**2) * np.pi**2 * diffusion * lag[:, None] / (4 * epsilon**2))
    expected = 4 / np.pi * ((-1.0) ** np.arange(300) / odd * decay).sum(axis=1)
    np.testing.assert_allclose(brownian.persistence(lag, epsilon, diffusion, 0), expected, atol=1e-12)


def test_persistence_has_its_limits():
    assert brownian.persistence(0, 0.1, 1e-3, 5) == 1
    assert brownian.persistence(100, 0.1, 0.0, 5) == 1
    assert brownian.persistence(1e9, 0.1, 1e-3, 5) == 0
    # Who has not left is within epsilon, if all updates are looked at.
    lag = np.arange(1, 200)
    assert (brownian.persistence(lag, 0.1, 1e-3, 0) <= brownian.overlap(lag, 0.1, 1e-3)).all()
    assert brownian.persistence(lag[:, None], [0.1, 0.2], 1e-3, 5).shape == (199, 2)
