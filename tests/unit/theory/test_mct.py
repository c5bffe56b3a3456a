"""Schematic mode-coupling theory against exact solutions, an independent scheme, and its own asymptotic laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gamma, ive

from quench.errors import QuenchError
from quench.theory.mct import critical, schematic


def f1_spectrum(v1, times):
    """Exact F1 for Omega = 1: relaxation rates with the Marchenko-Pastur density on (1 -+ sqrt(v1))^2, and f."""
    angles = (np.arange(3000) + 0.5) * np.pi / 3000
    low, high = (1 - np.sqrt(v1)) ** 2, (1 + np.sqrt(v1)) ** 2
    rates = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    weights = ((high - low) / 2 * np.sin(angles)) ** 2 / (2 * np.pi * v1 * rates) * np.pi / 3000
    return max(0.0, 1 - 1 / v1) + np.exp(-np.outer(times, rates)) @ weights


def trapezoid(vertices, rate, t_max, n):
    """An independent second-order scheme on a uniform grid, for the Richardson extrapolation below."""
    h = t_max / n
    polynomial = np.polynomial.Polynomial([0.0, *vertices])
    phi, m = np.ones(n + 1), np.full(n + 1, polynomial(1.0))
    force = -rate
    for i in range(1, n + 1):
        phi[i] = phi[i - 1]
        for _ in range(60):
            m[i] = polynomial(phi[i])
            memory = ((m[:i] + m[1 : i + 1]) / 2)[::-1] @ np.diff(phi[: i + 1])
            phi[i] = phi[i - 1] + h / 2 * (force - rate * (phi[i] + memory))
        m[i] = polynomial(phi[i])
        force = -rate * (phi[i] + memory)
    return phi


TIMES = np.concatenate([[0.0], np.geomspace(1e-4, 1e8, 400)])


@pytest.fixture(scope="module")
def f1_critical():
    return schematic.solve((1.0,), 1e8)


@pytest.fixture(scope="module")
def f2_critical():
    return schematic.solve((0.0, 4.0), 1e10)


def test_f1_at_criticality_is_the_bessel_form(f1_critical):
    exact = ive(0, 2 * TIMES) + ive(1, 2 * TIMES)
    error = np.abs(f1_critical(TIMES) - exact)
    # The scheme's truncation is below rounding; a thousand rounding units are left for the sums.
    assert error.max() < 1e-12
    assert np.all(error <= f1_critical.error(TIMES))
    assert f1_critical.errors.max() < 1e-12


@pytest.mark.parametrize("v1", [0.2, 0.9, 1.1, 4.0])
def test_f1_off_criticality_is_the_marchenko_pastur_relaxation(v1):
    times = np.geomspace(1e-3, 300, 50)
    # The midpoint rule in the angle converges exponentially once 3000 angles resolve exp(-rate t), rate t <= 3000.
    np.testing.assert_allclose(schematic.solve((v1,), 300)(times), f1_spectrum(v1, times), rtol=0, atol=1e-12)


def test_f2_at_criticality_has_the_reference_digits(f2_critical):
    # Ten digits, from Richardson extrapolation of a second-order scheme.
    reference = {1: 0.7259540522, 10: 0.5965368064, 100: 0.5396640355}
    for time, value in reference.items():
        assert f2_critical(time) == pytest.approx(value, abs=1e-10)


@pytest.mark.parametrize("vertices, rate", [((0.5, 2.0), 1.0), ((1.2, 0.0, 3.0), 0.4), ((0.0, 4.1), 2.0)])
def test_any_memory_agrees_with_a_uniform_scheme(vertices, rate):
    coarse, middle, fine = (trapezoid(vertices, rate, 2.0, n)[:: n // 8] for n in (64, 128, 256))
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    extrapolated = (16 * second - first) / 15
    error = np.abs(extrapolated - second).max()
    solution = schematic.solve(vertices, 2.0, rate=rate)(np.linspace(0, 2, 9))
    assert error < 1e-6
    np.testing.assert_allclose(solution, extrapolated, rtol=0, atol=error + 1e-12)


def test_no_memory_is_an_exponential():
    times = np.linspace(0, 20, 50)
    solution = schematic.solve((0.0,), 20 / 3, rate=3.0)
    np.testing.assert_allclose(solution(times / 3), np.exp(-times), rtol=0, atol=1e-14)


def test_rate_only_scales_time():
    times = np.geomspace(1e-2, 1e4, 40)
    slow, fast = schematic.solve((0.3, 2.0), 1e4), schematic.solve((0.3, 2.0), 10.0, rate=1e3)
    np.testing.assert_allclose(fast(times / 1e3), slow(times), rtol=0, atol=1e-13)


@pytest.mark.parametrize("vertices", [(0.0, 4.1), (3.0,), (0.8, 2.5), (50.0, 1000.0)])
def test_glass_stops_at_the_nonergodicity_parameter(vertices):
    f = critical.nonergodicity(*vertices, *([0.0] * (2 - len(vertices))))
    assert f > 0
    assert schematic.solve(vertices, 1e10)(1e10) == pytest.approx(f, abs=1e-8)


def test_liquid_decays_to_zero():
    assert critical.nonergodicity(0.0, 3.9) == 0
    solution = schematic.solve((0.0, 3.9), 1e8)
    # The estimated error bounds what is left after the exponential end of the relaxation.
    assert abs(solution(1e6)) < 1e-12
    assert abs(solution(1e8)) < 1e-12


def test_correlators_decrease_and_are_convex():
    """phi is completely monotone: a mixture of exponentials with positive weights."""
    for vertices in [(1.0,), (0.0, 4.0), (0.5, 2.0), (0.0, 0.0, 6.0)]:
        solution = schematic.solve(vertices, 50.0)
        phi = solution(np.linspace(0, 50, 3001))
        noise = 4 * solution.errors.max()
        assert np.all(np.diff(phi) <= noise)
        assert np.all(np.diff(phi, 2) >= -noise)


def test_f2_critical_decay_has_its_exponent(f2_critical):
    a = critical.critical_exponent(0.5)
    times = np.array([1e6, 1e8, 1e10])
    left = f2_critical(times) - 0.5
    measured = -np.diff(np.log(left)) / np.diff(np.log(times))
    # The correction to t^-a is of relative size t^-a, so the exponent's error falls by 100^-a = 0.16 from pair to pair.
    deviation = measured - a
    assert abs(deviation[1]) < 1e-3
    assert deviation[1] / deviation[0] == pytest.approx(100**-a, abs=0.05)


def test_von_schweidler_decay_below_the_f2_transition():
    solution = schematic.solve((0.0, 4 * (1 - 1e-7)), 1e12)
    times = np.geomspace(1e6, 1e12, 300)
    departure = 0.5 - solution(times)
    # Past the plateau, whose own departures are of order sqrt(1e-7), and well before the end of the decay. There the
    # next term of the law is of relative size departure / f_c, at most 4 %.
    window = (departure > 5e-3) & (departure < 2e-2)
    slopes = np.gradient(np.log(departure[window]), np.log(times[window]))
    assert window.sum() > 3
    assert np.mean(slopes) == pytest.approx(critical.von_schweidler_exponent(0.5), abs=0.1)


def test_f1_critical_decay_is_the_inverse_root(f1_critical):
    assert critical.critical_exponent(critical.exponent_parameter(0.0)) == 0.5
    # The next term of the Bessel form is -1/(16 t) relative.
    assert f1_critical(1e6) * np.sqrt(np.pi * 1e6) == pytest.approx(1, abs=1e-6)


def test_equilibrium_pspin_is_f2():
    temperature = 0.9
    times = np.geomspace(0.01, 50, 20)
    f2 = schematic.solve((0.0, 3 / (2 * temperature**2)), 100.0)
    np.testing.assert_allclose(
        schematic.equilibrium_pspin(3, temperature, 100.0)(times), f2(temperature * times), rtol=0, atol=1e-13
    )


def test_memory_is_the_kernel(f2_critical):
    times = np.array([0.0, 1.0, 1e5])
    np.testing.assert_allclose(f2_critical.memory(times), 4 * f2_critical(times) ** 2, rtol=1e-14)
    assert schematic.solve((0.7, 1.1), 1.0).memory(0.0) == pytest.approx(1.8, rel=1e-14)


@settings(deadline=None)
@given(v1=st.floats(0, 20), v2=st.floats(0, 20))
def test_nonergodicity_is_the_largest_fixed_point(v1, v2):
    f = critical.nonergodicity(v1, v2)
    assert 0 <= f < 1
    assert f == pytest.approx((1 - f) * (v1 * f + v2 * f**2), abs=1e-12)
    # x - (1-x) m(x) must be positive everywhere above: no larger root.
    above = f + (1 - f) * np.linspace(0.01, 1, 200)
    assert np.all(above - (1 - above) * (v1 * above + v2 * above**2) > -1e-12)


@pytest.mark.parametrize("v2", [0.0, 0.4, 1.0, 1.5, 2.5, 4.0])
def test_transition_line_separates_liquid_from_glass(v2):
    v1 = critical.critical_v1(v2)
    f_c = critical.critical_plateau(v2)
    assert critical.nonergodicity(v1 * (1 - 1e-9), v2 * (1 - 1e-9)) == 0
    # f - f_c is at most of order the root of the distance.
    assert critical.nonergodicity(v1 * (1 + 1e-10), v2 * (1 + 1e-10)) == pytest.approx(f_c, abs=1e-4)
    curvature = 2 * v2
    assert critical.exponent_parameter(v2) == pytest.approx((1 - f_c) ** 3 * curvature / 2, rel=1e-14)


def test_f2_singularity_is_a_square_root():
    excess = np.array([critical.nonergodicity(0.0, 4 * (1 + d)) - 0.5 for d in (1e-6, 1e-8)])
    assert np.log(excess[0] / excess[1]) / np.log(100) == pytest.approx(0.5, abs=1e-4)


def test_f2_exponents():
    # Six digits: Goetze 2009.
    assert critical.critical_exponent(0.5) == pytest.approx(0.395263, abs=5e-7)
    assert critical.von_schweidler_exponent(0.5) == pytest.approx(1, rel=1e-12)


@given(parameter=st.floats(0.5, 0.999))
def test_exponents_solve_their_equation(parameter):
    a, b = critical.critical_exponent(parameter), critical.von_schweidler_exponent(parameter)
    assert 0 < a < 0.5
    assert 0 < b <= 1
    assert gamma(1 - a) ** 2 / gamma(1 - 2 * a) == pytest.approx(parameter, rel=1e-10)
    assert gamma(1 + b) ** 2 / gamma(1 + 2 * b) == pytest.approx(parameter, rel=1e-10)


def test_evaluation_at_the_nodes_is_exact(f1_critical):
    edges = f1_critical.scale * np.expm1(f1_critical.width * np.arange(1, 20))
    np.testing.assert_allclose(f1_critical(edges), f1_critical.values[:19, -1], rtol=0, atol=1e-14)
    assert f1_critical(0.0) == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (((), 1.0), "vertices"),
        (((-1.0,), 1.0), "vertices"),
        (((float("nan"),), 1.0), "vertices"),
        (((1.0,), 0.0), "t_max"),
        (((1.0,), float("inf")), "t_max"),
        (((1.0,), 1.0, -1.0), "rate"),
    ],
)
def test_mistakes_are_told(arguments, message):
    with pytest.raises(QuenchError, match=message):
        schematic.solve(*arguments)


def test_times_beyond_the_solution_are_refused(f1_critical):
    for time in (-1.0, 1.1e8, float("nan")):
        with pytest.raises(QuenchError, match="between 0 and t_max"):
            f1_critical(time)


def test_accuracy_out_of_reach_is_an_error():
    with pytest.raises(QuenchError, match="exceeds the tolerance"):
        schematic.solve((0.0, 4.0), 100.0, tolerance=1e-16)


def test_closed_forms_refuse_what_they_do_not_cover():
    for function, value in itertools.product(
        (critical.critical_v1, critical.critical_plateau, critical.exponent_parameter), (-0.1, 4.1)
    ):
        with pytest.raises(QuenchError, match="between 0 and 4"):
            function(value)
    with pytest.raises(QuenchError, match=r"\[0, 1\)"):
        critical.critical_exponent(1.0)
    with pytest.raises(QuenchError, match=r"\[1/2, 1\)"):
        critical.von_schweidler_exponent(0.3)
    with pytest.raises(QuenchError, match="not negative"):
        critical.nonergodicity(-1.0, 4.0)
