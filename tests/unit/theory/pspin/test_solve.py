"""The solved quench: exact identities, reference numbers, error estimates, and the command that writes it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.cli import main
from quench.errors import QuenchError
from quench.store import files
from quench.theory.pspin import grid
from quench.theory.pspin.dataset import glass, solved_glass
from quench.theory.pspin.model import quenched
from quench.theory.pspin.solve import solve
from quench.theory.pspin.times import Times

# p = 3, T = 0.5. Three independent methods agree on these to 2e-9 (energies) and 3e-9 (correlations).
ENERGIES = {0.1: -0.1374880529, 1.0: -0.5869931306, 10.0: -0.8081165748, 100.0: -0.8663560266}
CORRELATIONS = {
    (1.0, 1.0): 0.728582056,
    (10.0, 10.0): 0.559807162,
    (100.0, 100.0): 0.490616756,
    (100.0, 1.0): 0.811447484,
}
THRESHOLD_ENERGY = -0.8866927719


@pytest.fixture(scope="module")
def ageing():
    return solve(quenched(3, 0.5), 200.0)


def test_reference_numbers(ageing):
    for t, energy in ENERGIES.items():
        assert ageing.energy(t).value == pytest.approx(energy, abs=2e-9 + ageing.energy(t).error)
    for (waiting_time, lag), correlation in CORRELATIONS.items():
        solved = ageing.two_time(waiting_time, lag)[0]
        assert solved.value == pytest.approx(correlation, abs=3e-9 + solved.error)
        assert solved.error < 1e-7


def test_correlation_with_the_start_equals_the_response_to_it(ageing):
    """C(t, 0) = R(t, 0) from a random start; the discrete equations share it, so that only roundoff is left."""
    correlation, response, _ = ageing.two_time(0.0, np.geomspace(1e-3, 200.0, 40))
    np.testing.assert_allclose(correlation.value, response.value, rtol=1e-10)


@pytest.mark.parametrize("waiting_time", [0.0, 0.3, 20.0])
def test_slopes_on_the_diagonal(ageing, waiting_time):
    """dC/dt = -T and dR/dt = -mu(t') at t = t'^+; third-order one-sided differences, error h^3 f''''/4 < 1e-7."""
    h = 2e-4
    correlation, response, _ = (solved.value for solved in ageing.two_time(waiting_time, h * np.arange(4)))
    one_sided = np.array([-11.0, 18.0, -9.0, 2.0]) / (6 * h)
    assert correlation[0] == pytest.approx(1.0, abs=1e-13)
    assert response[0] == pytest.approx(1.0, abs=1e-13)
    # Differences amplify an error of C by 1/h; near the diagonal C is good to 1e-10.
    assert one_sided @ correlation == pytest.approx(-0.5, abs=2e-6)
    assert one_sided @ response == pytest.approx(-ageing.mu(waiting_time).value, abs=1e-5)


def test_energy_starts_at_zero_with_slope_minus_half_p(ageing):
    h = 1e-4
    energy = ageing.energy(h * np.arange(4)).value
    assert energy[0] == pytest.approx(0.0, abs=1e-15)
    assert np.array([-11.0, 18.0, -9.0, 2.0]) @ energy / (6 * h) == pytest.approx(-1.5, abs=1e-6)


@pytest.mark.parametrize(("waiting_time", "lag"), [(0.0, 3.0), (2.0, 0.01), (10.0, 30.0), (5.0, 0.0)])
def test_integrated_response(ageing, waiting_time, lag):
    """chi(t, t_w) = int_{t_w}^t R(t, s) ds, against Gauss-Legendre panels that shrink towards s = t."""
    time = waiting_time + lag
    edges = time - lag * np.append(0.5 ** np.arange(12), 0.0)
    gauss, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    s = edges[:-1, None] + half * (gauss + 1)
    integral = (ageing.two_time(s, time - s)[1].value * weights * half).sum()
    # Panels of 12 points on functions with decay rates up to 3 over half the lag: better than 1e-8.
    assert ageing.two_time(waiting_time, lag)[2].value == pytest.approx(integral, abs=1e-8)


@given(st.integers(2, 6), st.floats(0.05, 2.0))
@settings(max_examples=8, deadline=None)
def test_any_quench_relaxes(p, temperature):
    quench = solve(quenched(p, temperature), 3.0, resolution="fast")
    time = np.linspace(0.0, 3.0, 31)
    energy = quench.energy(time)
    # In equilibrium nothing falls any more: what is left are errors of both ends.
    assert np.all(np.diff(energy.value) < energy.error[1:] + energy.error[:-1])
    correlation, response, _ = quench.two_time(time[:, None] / 2, time / 2)
    assert correlation.value.min() > 0
    assert correlation.value.max() <= 1 + 1e-12
    # At a fixed waiting time the correlation falls.
    assert np.all(np.diff(correlation.value, axis=1) < correlation.error[:, 1:] + correlation.error[:, :-1])
    assert response.value.min() > 0


def test_estimates_cover_the_difference_to_a_finer_solution(ageing):
    fast = solve(quenched(3, 0.5), 200.0, resolution="fast")
    time = np.geomspace(0.1, 200.0, 60)
    waiting_time, lag = np.geomspace(0.1, 100.0, 12)[:, None], np.geomspace(0.1, 100.0, 15)
    pairs = [(fast.energy(time), ageing.energy(time))]
    pairs += zip(fast.two_time(waiting_time, lag), ageing.two_time(waiting_time, lag), strict=True)
    for coarse, fine in pairs:
        true = np.abs(coarse.value - fine.value)
        assert np.mean(coarse.error >= true) >= 0.95
        # The largest errors: single ones vanish wherever the error changes sign.
        assert coarse.error.max() < 30 * true.max()
        assert np.all(fine.error < 1e-7)


def test_an_earlier_end_changes_nothing(ageing):
    short = solve(quenched(3, 0.5), 5.0)
    time = np.array([0.1, 1.0, 4.9])
    np.testing.assert_array_equal(short.energy(time).value, ageing.energy(time).value)


def test_the_energy_stays_above_the_threshold_and_approaches_it_as_a_power(ageing):
    time = np.array([100.0, 200.0])
    excess = ageing.energy(time).value - THRESHOLD_ENERGY
    assert np.all(excess > 0)
    # The local exponent rises from 0.587 towards 0.67 at late times.
    assert 0.5 < -np.diff(np.log(excess)) / np.log(2.0) < 0.67


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": 1}, "p must be at least 2"),
        ({"p": 2.5}, "integer from 1 to 50"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"p": 3, "terms": ((4, 0.5),)}, "not both"),
        ({"initial_temperature": 0.0}, "initial temperature"),
        ({"initial_temperature": 0.58}, "not above the static transition T_K = 0.58"),
        ({"terms": ((1, 0.1), (3, 0.5)), "initial_temperature": 1.0}, "random field"),
        # From a random start a random field is fine, but not from equilibrium.
        ({"terms": ((2, 0.5), (3, 0.5)), "initial_temperature": 1.0}, "not above the static transition T_K = 1"),
    ],
)
def test_models_whose_equations_do_not_hold_are_refused(arguments, message):
    with pytest.raises(QuenchError, match=message):
        quenched(**arguments)


@pytest.mark.parametrize("t_max", [-1.0, 0.0, float("inf"), float("nan")])
def test_an_end_out_of_range_is_refused(t_max):
    with pytest.raises(QuenchError, match="t_max"):
        solve(quenched(), t_max)


def test_unknown_resolution_names_the_nearest():
    with pytest.raises(QuenchError, match="did you mean 'standard'"):
        solve(quenched(3, 0.5), 1.0, resolution="standart")


def test_accuracy_that_is_never_reached_is_an_error():
    quench = solve(quenched(), 20.0, resolution="fast")
    with pytest.raises(QuenchError, match=r"estimated error of E is .* at t = 1, above the accuracy of 1e-11"):
        glass(quench, [1.0], [1.0], [1.0], accuracy=1e-11)


def test_a_solution_ends_where_its_estimated_error_exceeds_the_accuracy():
    """At short lags C is exact; the estimate grows along the row, so that a strict accuracy leaves the beginning."""
    quench = solve(quenched(), 20.0, resolution="fast")
    lags = np.array([0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0])
    every = glass(quench, [0.0], [0.0], lags, accuracy=1.0)
    accuracy = float(every.correlation_error.max()) / 2
    part = glass(quench, [0.0], [0.0], lags, accuracy)
    assert (every.attrs["reach"], every.attrs["end"]) == (20.0, "")
    kept = lags <= part.attrs["reach"]
    assert 0 < kept.sum() < lags.size
    assert "above the accuracy" in part.attrs["end"]
    for name in ("correlation", "response", "susceptibility"):
        np.testing.assert_array_equal(part[name].values[0, kept], every[name].values[0, kept])
        assert np.isnan(part[name].values[0, ~kept]).all()
    assert float(part.correlation_error.max()) <= accuracy


def test_a_solution_ends_where_the_method_fails(monkeypatch):
    monkeypatch.setitem(grid.RESOLUTIONS, "fast", grid.Resolution(2, 3, 0.5, 0.5, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0))
    quench = solve(quenched(3, 0.05), 1e7, resolution="fast")
    assert quench.failure and quench.t_max < 1e7
    part = glass(quench, [0.1, 1e7], [0.0], [0.1, 1e7], accuracy=10.0)
    assert part.attrs == {"reach": quench.t_max, "end": quench.failure}
    np.testing.assert_array_equal(np.isnan(part.energy), [False, True])
    np.testing.assert_array_equal(np.isnan(part.correlation), [[False, True]])
    with pytest.raises(QuenchError, match="before or at the first requested time"):
        glass(quench, [1e7], [0.0], [1e7])


def test_displacements_without_digits_are_missing():
    """At T = 0, C = 1 - f'(1) lag^2 / 2 near t = 0: at a lag of 1e-5 less than the error of C."""
    part = glass(solve(quenched(3, 0.0), 1.0, resolution="fast"), [1.0], [0.0], [0.0, 1e-5, 0.1])
    np.testing.assert_array_equal(np.isnan(part.displacement), [[False, True, False]])
    assert float(part.displacement[0, 2]) == pytest.approx(1.5 * 0.1**2, rel=0.2)


@pytest.mark.parametrize("pair", [(150.0, 60.0), (-1.0, 2.0), (1.0, float("nan"))])
def test_times_outside_the_solution_are_refused(ageing, pair):
    with pytest.raises(ValueError, match="must lie in"):
        ageing.two_time(*pair)


def test_dataset_follows_the_glass_contract(ageing):
    dataset = glass(ageing, np.array([0.0, 1.0, 200.0]), np.array([1.0, 150.0]), np.array([0.0, 10.0, 100.0]))
    assert dataset.correlation.dims == ("waiting_time", "lag")
    assert dataset.energy.dims == dataset.mu.dims == ("time",)
    assert np.isnan(dataset.correlation.sel(waiting_time=150.0, lag=100.0))
    assert int(np.isnan(dataset.correlation).sum()) == 1
    np.testing.assert_allclose(dataset.displacement, 2 * (1 - dataset.correlation))
    np.testing.assert_allclose(dataset.mu, 0.5 - 3 * dataset.energy)
    assert float(dataset.susceptibility.sel(waiting_time=1.0, lag=10.0)) > 0
    for name in dataset.data_vars:
        assert {"long_name", "units"} <= set(dataset[name].attrs)
    assert dataset.attrs == {"reach": 200.0, "end": ""}


def test_default_times_end_with_the_solution():
    assert Times.of(t_max=5.0).waiting_times == [1.0]
    assert max(Times.of(t_max=5.0).lags) <= 5.0
    every = Times.of()
    assert every.t_max == every.waiting_times[-1] + every.lags[-1] == 1100.0
    with pytest.raises(QuenchError, match=r"waiting-times: the default ones are beyond t_max = 0\.5"):
        Times.of(t_max=0.5)


def test_solved_glass_is_the_solution_at_its_times():
    found = solved_glass(quenched(3, 0.5), Times.of("0.1,1", "1", "0,1", 3.0), resolution="fast")
    xr.testing.assert_identical(
        found, glass(solve(quenched(3, 0.5), 3.0, resolution="fast"), [0.1, 1.0], [1.0], [0.0, 1.0])
    )


def test_command_writes_the_file(tmp_path):
    output = tmp_path / "glass.nc"
    options = [
        "--temperature",
        "0.5",
        "--t-max",
        "3",
        "--times",
        "0.1,1",
        "--waiting-times",
        "1",
        "--lags",
        "0,0.1:1:2",
    ]
    assert main(["pspin", *options, "--resolution", "fast", "-o", str(output)]) == 0
    dataset = files.read(output, "glass")
    assert dataset.sizes == {"time": 2, "waiting_time": 1, "lag": 4}
    assert files.config_of(dataset) | {
        "p": 3,
        "terms": [[3, 0.5]],
        "initial_temperature": None,
        "temperature": 0.5,
    } == (files.config_of(dataset))
    # The fast grid is good to 1e-6 here.
    assert float(dataset.energy.sel(time=1.0)) == pytest.approx(ENERGIES[1.0], abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--t-max", "5", "--times", "6"], "before the latest requested time"),
        (["--times", "1,two"], "'two'"),
        (["--lags", "0:1:10"], "'0:1:10'"),
        (["--times", "-1"], "'-1'"),
        (["--p", "1"], "--p"),
        (["--temperature", "-1"], "--temperature"),
        (["--resolution", "standart"], "did you mean 'standard'?); known: fast, standard, long, fine"),
    ],
)
def test_command_reports_mistakes_in_one_line(tmp_path, capsys, options, message):
    # The = form lets a value start with a minus sign.
    joined = [f"{name}={value}" for name, value in zip(options[::2], options[1::2], strict=True)]
    assert main(["pspin", "--temperature=0.5", *joined, "-o", str(tmp_path / "glass.nc")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("p", [3, 4, 5])
def test_all_temperatures_solve_or_fail_clearly(p):
    """From deep in the glass to far above it, to t = 1e5, with the energy right where it is known exactly."""
    for temperature in (0.05, 0.3, 0.6, 0.9, 2.0):
        quench = solve(quenched(p, temperature), 1e5, resolution="fast")
        energy = quench.energy(np.array([1.0, 1e5]))
        assert np.all(energy.error < 1e-6)
        if temperature > 0.7:
            assert energy.value[1] == pytest.approx(-1 / (2 * temperature), abs=1e-7)


@pytest.mark.slow
def test_late_times_agree_with_a_finer_solution():
    """Up to 1e6, over every decade of waiting time and lag."""
    standard, fast = solve(quenched(3, 0.5), 1e6), solve(quenched(3, 0.5), 1e6, resolution="fast")
    time = np.geomspace(0.1, 1e6, 71)
    assert np.abs(standard.energy(time).value - fast.energy(time).value).max() < 2e-7
    assert standard.energy(time).error.max() < 1e-8
    waiting_time, lag = np.broadcast_arrays(np.geomspace(0.1, 1e5, 13)[:, None], np.geomspace(0.1, 9e5, 15))
    correlation = standard.two_time(waiting_time, lag)[0]
    assert correlation.error.max() < 1e-6
