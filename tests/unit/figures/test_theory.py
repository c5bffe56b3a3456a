"""Figures of theory: their numbers are those of the theory, and unusable inputs are refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from quench.claims import glass as claims_of_glass
from quench.claims import theory as claims
from quench.errors import QuenchError
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import figa5
from quench.figures.theory import finite_size, mct
from quench.theory import brownian


def glass(energies, errors=None, n_spins=None, temperature=0.5):
    times = np.array([0.0, 1.0, 2.0])
    dataset = xr.Dataset({"energy": ("time", energies)}, coords={"time": times})
    config = {"p": 3, "temperature": temperature}
    if n_spins:
        dataset["energy_error"] = "time", errors
        config["n_spins"] = n_spins
    return dataset.assign_attrs(kind="glass", config=json.dumps(config))


def test_a5_shows_both_wells_and_their_limits():
    numbers = figa5.compute(FigureInputs())
    steep, shallow = numbers["overlap"].values
    assert np.all(np.diff(shallow) <= 1e-12)
    assert np.all(steep <= shallow + 1e-12)
    np.testing.assert_allclose(numbers["overlap"].values[:, -1], numbers["overlap_plateau"], atol=1e-12)
    # The shallow well is free until its own relaxation at 1/(mu k) = 100: one part in a hundred at t = 1.
    early = numbers["time"].values < 1
    np.testing.assert_allclose(shallow[early], numbers["overlap_brownian"].values[early], rtol=0.02)
    assert len(figa5.draw(numbers).axes) == 1
    # Q = 1/2: the drift 1 - exp(-100 t) passes epsilon = 0.1 at t = -ln(0.9)/100, the shallow well is free:
    # erfinv(1/2) = 0.4769 gives t = 0.1^2 / (4 * 0.5 * 0.4769^2). Noise and the grid of times leave a few percent.
    expected = -np.log(0.9) / 100 / (0.01 / (2 * 0.4769362762**2))
    assert claims.steep_to_shallow(numbers).value == pytest.approx(expected, rel=0.05)


def test_finite_size_fit_recovers_an_exact_drift():
    limit = np.array([0.0, -0.5, -0.6])
    files = {f"n{n}": [glass(limit + 3.5 / n, np.full(3, 0.01 / n), n)] for n in (100, 25, 50)}
    numbers = finite_size.compute(FigureInputs({"glass": files | {"ck": [glass(limit)]}}))
    assert numbers["n_spins"].values.tolist() == [25, 50, 100]
    np.testing.assert_allclose(numbers["intercept"], limit, atol=1e-12)
    np.testing.assert_allclose(numbers["slope"], 3.5, rtol=1e-10)
    np.testing.assert_allclose(numbers["solution_at_times"], limit)
    assert float(numbers["threshold_energy"]) == pytest.approx(-0.8866927719, abs=1e-9)
    assert len(finite_size.draw(numbers).axes) == 2
    alone = finite_size.compute(FigureInputs({"glass": files}))
    assert "solution" not in alone
    assert len(finite_size.draw(alone).axes) == 2


def test_finite_size_intercept_error_covers_the_scatter():
    rng = np.random.default_rng(8)
    sizes, limit, pulls = (30, 60, 120), -0.5, []
    for _ in range(100):
        files = {f"n{n}": [glass(limit + 2 / n + rng.normal(0, 0.02, 3), np.full(3, 0.02), n)] for n in sizes}
        numbers = finite_size.compute(FigureInputs({"glass": files}))
        pulls.extend((numbers["intercept"] - limit) / numbers["intercept_error"])
    # 300 pulls of unit variance: five standard errors of their standard deviation, 1/sqrt(2 n) each.
    assert np.std(pulls) == pytest.approx(1, abs=5 / np.sqrt(2 * len(pulls)))


def test_correlations_at_finite_size_beside_the_solution():
    def with_correlation(dataset, values, errors=None):
        dataset["correlation"] = ("waiting_time", "lag"), [values]
        if errors is not None:
            dataset["correlation_error"] = ("waiting_time", "lag"), [errors]
        return dataset.assign_coords(waiting_time=[1.0], lag=[0.5, 1.0, 2.0][: len(values)])

    exact = with_correlation(glass([0.0, -0.5, -0.6]), [1.0, 0.8, 0.7])
    files = {
        "n50": [with_correlation(glass([0, -0.4, -0.5], [0.01] * 3, 50), [0.9, 0.8], [0.02, 0.02])],
        "n100": [with_correlation(glass([0, -0.46, -0.55], [0.01] * 3, 100), [1.0, 0.83], [0.01, 0.01])],
    }
    numbers = finite_size.compute(FigureInputs({"glass": files | {"ck": [exact]}}))
    np.testing.assert_allclose(numbers["solution_correlation"], [[1.0, 0.8]])
    assert len(finite_size.draw(numbers).axes) == 3
    assert claims_of_glass.correlation_pull(numbers).value == pytest.approx(3.0)
    # A line through E_50 and E_100 meets 1/N = 0 at 2 E_100 - E_50, with an error of sqrt(5) 0.01.
    expected = max(abs(-0.52 + 0.5), abs(-0.6 + 0.6)) / (np.sqrt(5) * 0.01)
    assert claims_of_glass.energy_pull(numbers).value == pytest.approx(expected)


def test_responses_at_finite_size_beside_the_solution():
    """chi and Delta that differ over realisations: X is the ratio of their means, with the jackknife interval."""
    pair, lag = ("waiting_time", "lag"), [0.0, 0.5, 1.0]

    def simulated(n_spins, ratio):
        moved = np.array([[[0.0, 0.2, 0.4]], [[0.0, 0.3, 0.4]], [[0.0, 0.4, 0.4]]])
        numbers = {"susceptibility_of_realisation": moved * ratio, "correlation_of_realisation": 1 - moved / 2}
        made = glass([0.0, -0.4, -0.5], [0.01] * 3, n_spins)
        made = made.assign({name: (("realisation", *pair), values) for name, values in numbers.items()})
        return made.assign_coords(waiting_time=[1.0], lag=lag, seed=("realisation", [0, 1, 2]))

    exact = {"susceptibility": [[0.0, 0.27, 0.32]], "displacement": [[0.0, 0.3, 0.4]]}
    solution = glass([0.0, -0.5, -0.6]).assign({name: (pair, values) for name, values in exact.items()})
    solution = solution.assign_coords(waiting_time=[1.0], lag=lag)
    scatter = np.array([0.8, 0.9, 1.0])[:, None, None]
    files = {"n50": [simulated(50, 0.9)], "n100": [simulated(100, scatter)]}
    numbers = finite_size.compute(FigureInputs({"glass": files | {"ck": [solution]}}))
    np.testing.assert_allclose(numbers["ratio"].sel(n_spins=50, lag=[0.5, 1]), 0.9)
    np.testing.assert_allclose(numbers["ratio_low"].sel(n_spins=50, lag=[0.5, 1]), 0.9)
    ratio = (0.8 * 0.2 + 0.9 * 0.3 + 1.0 * 0.4) / 0.9
    np.testing.assert_allclose(numbers["ratio"].sel(n_spins=100, lag=[0.5, 1]), [[ratio, 0.9]])
    np.testing.assert_allclose(numbers["solution_ratio"].sel(lag=[0.5, 1]), [[0.9, 0.8]])
    assert len(finite_size.draw(numbers).axes) == 3
    found = claims_of_glass.violation_distance(numbers, waiting_time=1)
    # Equal Delta at lag 1: the mean of 0.8, 0.9 and 1.0 with Student's interval, 4.3 x 0.1 / sqrt(3).
    assert found.value == pytest.approx(0.1) and found.high == pytest.approx(0.1 + 4.3027 * 0.1 / 3**0.5, rel=1e-4)


@pytest.mark.parametrize(
    "files",
    [
        {"a": [glass([0, 0, 0], [1, 1, 1], 10)]},
        {"a": [glass([0, 0, 0], [1, 1, 1], 10)], "b": [glass([0, 0, 0], [1, 1, 1], 20, temperature=1.0)]},
        {n: [glass([0, 0, 0])] for n in "abc"},
        {},
    ],
)
def test_finite_size_refuses_what_it_cannot_fit(files):
    with pytest.raises(QuenchError, match="two or more N"):
        finite_size.compute(FigureInputs({"glass": files}))


def test_mct_beside_a_run(monkeypatch):
    monkeypatch.setattr(mct, "T_MAX", 1e6)
    monkeypatch.setattr(mct, "DISTANCES", (-0.1, 0.0, 0.1))
    lags = np.array([0, 1, 10, 100])
    epsilon, diffusion = 1e-2, 1e-6
    curve = brownian.overlap(lags, epsilon, diffusion)
    run = xr.Dataset(
        {
            "overlap_mean": (("temperature", "lag"), [curve, np.ones(4)]),
            "tau90_mean": ("temperature", [brownian.tau90(epsilon, diffusion), np.nan]),
        },
        coords={"temperature": [1e-2, 0.0], "lag": lags},
        attrs={"chi": 100.0},
    )
    numbers = mct.compute(SimpleNamespace(of=lambda key: {"run": []}, run=lambda name: run))
    # A temperature whose tau90 is censored has no place on a rescaled axis.
    assert numbers["temperature"].values.tolist() == [1e-2]
    # Every theory curve passes through 0.9 at 1.
    at_one = [numbers["brownian_scaled"], *numbers["critical_scaled"]]
    for theory in at_one:
        assert float(theory.interp(scaled_time=1.0)) == pytest.approx(0.9, abs=1e-3)
    assert numbers["critical_exponent"].values == pytest.approx([0.5, 0.395263], abs=5e-7)
    assert float(numbers["error"].max()) < 1e-8
    glassy = numbers["phi"].sel(distance=0.1).isel(time=-1).values
    assert glassy == pytest.approx([1 - 1 / 1.1, (1 + np.sqrt(1 - 1 / 1.1)) / 2], abs=1e-6)
    assert len(mct.draw(numbers).axes) == 3
