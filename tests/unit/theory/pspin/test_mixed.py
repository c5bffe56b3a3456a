"""Mixed models, a start in equilibrium at T0, T = 0 and random fields: exact identities, and numbers found independently."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quench.theory import threshold
from quench.theory.covariance import Covariance
from quench.theory.mct.schematic import solve as mode_coupling
from quench.theory.pspin.model import Model, quenched
from quench.theory.pspin.solve import solve

MIXED = ((3, 0.5), (4, 0.5))


def model(temperature: float, initial: float | None = None, terms: tuple[tuple[int, float], ...] = MIXED) -> Model:
    return quenched(None, temperature, terms=terms, initial_temperature=initial)


# E(1), E(2) from the trapezoidal rule on uniform grids, extrapolated in the step (errors below 1e-9).
UNIFORM = [
    (model(0.0), -1.2725470891, -1.4286622062),
    (model(0.4), -1.0849623527, -1.2228745299),
    (model(0.0, 0.81), -1.6672622783, -1.6805210654),
    (model(0.5, 1.0), -1.2754659767, -1.3038547922),
    (model(0.2, 1.5, ((2, 0.3), (3, 0.5))), -1.0573367767, -1.1339687558),
    (model(0.3, None, ((1, 0.25), (3, 0.5))), -0.7778630124, -0.9182484368),
]


@pytest.mark.parametrize(("quench", "first", "second"), UNIFORM, ids=lambda value: str(value).replace(" ", ""))
def test_early_energies_are_those_of_a_uniform_grid(quench, first, second):
    energy = solve(quench, 2.0).energy([1.0, 2.0])
    np.testing.assert_allclose(energy.value, [first, second], rtol=0, atol=1e-9 + energy.error.max())
    assert energy.error.max() < 5e-8


# E(10), E(100), E(1000), C(1000, 0): two grids that share nothing but the equations agree on these digits.
LATER = [
    (model(0.4), (-1.3887327815, -1.4614063799, -1.4784205578), 0.048198077),
    (model(0.0), (-1.6019849018, -1.6707346950, -1.6857070076), 0.073455094),
    (model(0.0, 0.81), (-1.6900068570, -1.6925672653, -1.6938785557), 0.661131844),
]


@pytest.mark.parametrize(("quench", "energies", "overlap"), LATER, ids=lambda value: str(value).replace(" ", ""))
def test_later_energies_and_overlaps(quench, energies, overlap):
    solved = solve(quench, 1000.0, resolution="long")
    energy, (correlation, *_) = solved.energy([10.0, 100.0, 1000.0]), solved.two_time(0.0, 1000.0)
    np.testing.assert_allclose(energy.value, energies, rtol=0, atol=1e-10 + energy.error.max())
    assert correlation.value == pytest.approx(overlap, abs=1e-9 + float(correlation.error))
    assert energy.error.max() < 1e-7 and correlation.error < 1e-7


@pytest.mark.parametrize(
    "quench", [model(0.0), model(0.5, 1.0), model(0.0, 0.9), model(0.3, None, ((1, 0.25), (3, 0.5)))]
)
def test_short_times(quench):
    """mu(0) = T + b f'(1), E(0) = -b f(1), E'(0) = -f'(1) (1 - b T), dC(t, 0)/dt = -T; at T = 0 C = 1 - f'(1) t^2 / 2."""
    f, b, temperature = quench.covariance, quench.inverse_initial, quench.temperature
    h, one_sided = 1e-4, np.array([-11.0, 18.0, -9.0, 2.0]) / 6e-4
    solved = solve(quench, 0.1)
    energy, mu = solved.energy(h * np.arange(4)).value, solved.mu(0.0).value
    correlation = solved.two_time(0.0, h * np.arange(4))[0].value
    assert mu == pytest.approx(temperature + b * float(f.df(1.0)), rel=1e-14)
    assert energy[0] == pytest.approx(-b * float(f.f(1.0)), rel=1e-14, abs=1e-14)
    # Third-order differences: an error of 1e-10 in C or E becomes 1e-6.
    assert one_sided @ energy == pytest.approx(-float(f.df(1.0)) * (1 - b * temperature), abs=1e-5)
    assert one_sided @ correlation == pytest.approx(-temperature, abs=1e-5)
    if temperature == 0:
        lag = 1e-2
        found = 1 - solved.two_time(0.0, lag)[0].value
        # The next order in the lag is of relative order lag times a rate.
        assert found == pytest.approx(float(f.df(1.0)) * lag**2 / 2, rel=0.1)


@pytest.mark.parametrize("temperature", [0.81, 1.2])
def test_a_system_in_equilibrium_stays_there(temperature):
    """T0 = T >= T_MCT: E and mu constant, C and R functions of the lag that obey the theorem and mode-coupling theory."""
    quench = model(temperature, temperature)
    f, solved = quench.covariance, solve(quench, 200.0, resolution="fast")
    times, lag = np.geomspace(0.01, 200.0, 20), np.geomspace(0.01, 100.0, 12)
    energy, mu = solved.energy(times), solved.mu(times)
    assert energy.value == pytest.approx(-float(f.f(1.0)) / temperature, abs=1e-10 + energy.error.max())
    assert mu.value == pytest.approx(temperature + float(f.df(1.0)) / temperature, abs=1e-10 + mu.error.max())
    first, *_ = solved.two_time(0.0, lag)
    correlation, _, response = solved.two_time(np.array([[1.0], [80.0]]), lag)
    assert np.all(np.abs(correlation.value - first.value) < correlation.error + first.error)
    departure = np.abs(temperature * response.value - (1 - correlation.value))
    assert np.all(departure < temperature * response.error + correlation.error)
    assert max(correlation.error.max(), response.error.max()) < 5e-6
    # The memory of this equilibrium is f'(phi) / T^2.
    exact = mode_coupling((0.0, 1.5 / temperature**2, 2.0 / temperature**2), 100.0, rate=temperature)
    # Either solution states its error; that of mode-coupling theory is within its tolerance of 1e-8.
    assert np.all(np.abs(first.value - exact(lag)) <= first.error + 1e-8)


def test_equilibrium_below_the_transition_is_trapped():
    """T0 = T = 0.79 < T_MCT: C tends to the largest root of f'(q) (1 - q) = T^2 q."""
    correlation = solve(model(0.79, 0.79), 1e4, resolution="fast").two_time(0.0, 1e4)[0]
    assert correlation.value == pytest.approx(0.67697737, abs=1e-6)


@pytest.mark.parametrize("initial", [0.79, 0.75])
def test_a_followed_state_ends_in_its_own_minimum(initial):
    """Gradient descent from equilibrium below T_SF: E, mu, C(t, 0) of the closed solution."""
    # Below the static transition, 0.762, the equations hold for a planted start.
    solved = solve(Model(Covariance(MIXED), 0.0, initial), 1e4, resolution="fast")
    state = threshold.followed_state(Covariance(MIXED), initial)
    assert solved.energy(1e4).value == pytest.approx(state.energy, abs=1e-6)
    assert solved.mu(1e4).value == pytest.approx(state.multiplier, abs=1e-5)
    assert solved.two_time(0.0, 1e4)[0].value == pytest.approx(state.overlap, abs=1e-5)
    assert solved.two_time(1e3, 9e3)[2].value == pytest.approx(state.response, abs=1e-5)


def test_gradient_descent_of_three_spins_slows_down_as_a_power():
    """p = 3 at T = 0: E - E_th falls as t^(-2/3)."""
    solved = solve(quenched(3, 0.0), 1e5, resolution="fast")
    excess = solved.energy([1e4, 1e5]).value - threshold.threshold_energy(Covariance.pure(3), 0.0)
    assert -math.log10(excess[1] / excess[0]) == pytest.approx(2 / 3, abs=0.005)


def test_a_term_without_weight_changes_little():
    """Continuity of mixed models in their terms: an added a_4 = 1e-9 moves E by less than f'(1)^2 times as much."""
    pure, nearly = (
        solve(one, 20.0, resolution="fast").energy(20.0).value
        for one in (quenched(3, 0.5), model(0.5, None, ((3, 0.5), (4, 1e-9))))
    )
    assert abs(pure - nearly) < 1e-8


def test_a_long_time_after_a_quench_from_just_above_the_transition_the_start_is_remembered():
    """T0 = 0.81: E falls below the threshold; from infinite T0 it does not."""
    limit = threshold.threshold_energy(Covariance(MIXED), 0.0)
    for initial, below in ((0.81, True), (None, False)):
        assert (solve(model(0.0, initial), 1e3, resolution="fast").energy(1e3).value < limit) == below
