"""The solved quench against published digits, its exact identities, and the mistakes that its command refuses."""

from __future__ import annotations

import numpy as np
import pytest

from quench.cli import main
from quench.errors import QuenchError
from quench.theory.pspin.solve import solve

# Spherical 3-spin model at T = 0.5 after a quench from infinite temperature; three independent methods agree on E to
# 1e-9 ... 2e-9. Their errors of C, for which none is stated, are about five times those of E in every such scheme.
ENERGY = {0.1: -0.1374880529, 1.0: -0.5869931306, 10.0: -0.8081165748, 100.0: -0.8663560266}
ENERGY_DIGITS = 2e-9
CORRELATION = {(1, 1): 0.728582056, (10, 10): 0.559807162, (100, 100): 0.490616756, (100, 1): 0.811447484}
CORRELATION_DIGITS = 5 * ENERGY_DIGITS


@pytest.fixture(scope="module")
def quench():
    return solve(3, 0.5, 200.0)


@pytest.mark.parametrize("time", ENERGY)
def test_energy_has_the_published_digits(quench, time):
    value, error = quench.energy(time)
    assert value == pytest.approx(ENERGY[time], abs=error + ENERGY_DIGITS)
    assert error < 2e-7


@pytest.mark.parametrize("pair", CORRELATION)
def test_correlation_has_the_published_digits(quench, pair):
    value, error = quench.two_time(*pair)[0]
    assert value == pytest.approx(CORRELATION[pair], abs=error + CORRELATION_DIGITS)
    assert error < 2e-6


def test_energy_starts_at_zero_with_slope_minus_p_over_2(quench):
    assert quench.energy(0.0).value == pytest.approx(0.0, abs=1e-9)
    # E(h) = -(p/2) h + O(h^2) with a second derivative of order p^2: 1e-5 is ten times that at h = 1e-3, over h.
    assert quench.energy(1e-3).value / 1e-3 == pytest.approx(-1.5, abs=1e-2)


def test_correlation_with_the_start_is_the_response_to_it(quench):
    """C(t, 0) = R(t, 0): the infinite-temperature start is white noise."""
    lag = np.geomspace(1e-3, 150.0, 30)
    correlation, response = quench.two_time(0.0, lag)
    np.testing.assert_allclose(correlation.value, response.value, atol=2e-6)


@pytest.mark.parametrize("waiting_time", [0.5, 5.0, 50.0])
def test_slopes_at_equal_times(quench, waiting_time):
    """dC/dt = -T and dR/dt = -mu(t_w) at t = t_w+; one-sided differences at h and h/2 cancel the quadratic term."""
    h = 1e-4
    (c1, c2), (r1, r2) = (one.value for one in quench.two_time(waiting_time, np.array([h, h / 2])))
    mu = quench.mu(waiting_time).value
    # What is left is h^2 f'''/3 < 1e-6, and rounding 1e-11/h = 1e-7.
    assert (4 * (c2 - 1) - (c1 - 1)) / h == pytest.approx(-0.5, abs=1e-4)
    assert (4 * (r2 - 1) - (r1 - 1)) / h == pytest.approx(-mu, abs=1e-3)


@pytest.mark.parametrize(
    ("p", "temperature", "t_max", "resolution"),
    [
        (1, 0.5, 1.0, "fast"),
        (3, 0.0, 1.0, "fast"),
        (3, -1.0, 1.0, "fast"),
        (3, 0.5, float("inf"), "fast"),
        (3, 0.5, 1, "x"),
    ],
)
def test_what_cannot_be_solved_is_refused(p, temperature, t_max, resolution):
    with pytest.raises(QuenchError):
        solve(p, temperature, t_max, resolution=resolution)


def test_times_beyond_the_solution_are_refused(quench):
    with pytest.raises(ValueError, match=r"\[0, 200\]"):
        quench.energy(201.0)


def test_command_refuses_in_one_line_and_writes_nothing(tmp_path, capsys):
    output = tmp_path / "glass.nc"
    status = main(["pspin", "--temperature", "0.5", "--t-max", "1", "--times", "10", "-o", str(output)])
    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
