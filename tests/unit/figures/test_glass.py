"""Figures and claims of the solved glass, on one with planted plateau, ageing, slopes and energy."""

import json
import math

import numpy as np
import pytest
import xarray as xr
from places import CONFIG

from quench.claims import glass as claims
from quench.claims.measured import Missing
from quench.config.claims import load
from quench.errors import QuenchError
from quench.figures import style
from quench.figures.bj import fig1
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import ageing, fdt, solved
from quench.theory import threshold
from quench.theory.covariance import Covariance

Q, X, E_TH = (
    f(Covariance.pure(3), 0.5)
    for f in (threshold.edwards_anderson, threshold.fdt_violation, threshold.threshold_energy)
)
POWER, AGEING, LATEST = 0.62, 0.4, 1e6


def with_errors(values):
    return xr.Dataset(values | {f"{name}_error": (dims, 0 * array) for name, (dims, array) in values.items()})


def quenched(temperature=0.5, **more):
    """C = fast part that decays as exp(-t), plus q_EA (1 + t/t_w)^-AGEING; T chi with slope -X in the second one."""
    plateau, violation, limit = (Q, X, E_TH) if temperature < 0.6 else (0.0, 1.0, -1 / (2 * temperature))
    time = np.append(0.0, np.geomspace(1e-2, LATEST, 81))
    waiting, lag = np.geomspace(1.0, 1e4, 5), np.append(0.0, np.geomspace(1e-2, LATEST, 97))
    fast, slow = np.exp(-lag) + 0 * waiting[:, None], (1 + lag / waiting[:, None]) ** -AGEING
    correlation = (1 - plateau) * fast + plateau * slow
    correlation[waiting[:, None] + lag > LATEST] = np.nan
    response = (1 - plateau) * (1 - fast) + violation * plateau * (1 - slow)
    pair = ("waiting_time", "lag")
    made = with_errors(
        {
            "energy": (("time",), limit * (1 - (1 + time) ** -POWER)),
            "correlation": (pair, correlation),
            "susceptibility": (pair, response / temperature),
            "displacement": (pair, 2 * (1 - correlation)),
        }
    ).assign_coords(time=time, waiting_time=waiting, lag=lag)
    config = {"p": 3, "temperature": temperature} | more
    return made.assign_attrs(kind="glass", config=json.dumps(config))


def drawn(module, inputs, folder):
    numbers = module.compute(inputs)
    with style.applied():
        module.draw(numbers).savefig(folder / "figure.png")
    numbers.to_netcdf(folder / "figure.nc")
    return numbers


def test_energy_and_plateau(tmp_path):
    numbers = drawn(fig1, FigureInputs({"glass": {"ck": [quenched()]}}), tmp_path)
    # The shift by 1 in (1 + t) is a correction 1/t to the power: at t = 1e4 it is 1e-4 of E - E_th = 3e-3.
    assert claims.limit_energy(numbers).value == pytest.approx(E_TH, abs=1e-6)
    assert claims.energy_exponent(numbers).value == pytest.approx(POWER, abs=1e-4)
    assert claims.energy_above_lowest(numbers, E_TH - 0.02).value == pytest.approx(0.02, abs=1e-3)
    youngest = numbers["displacement"].isel(waiting_time=0).dropna("lag")
    assert claims.final_displacement(numbers).value == float(youngest.max())
    # 1e-3 is left of a power after t = 1e3^(1/0.62) - 1, of an exponential with slope p/2 after |E_th| ln(1e3) / 1.5.
    expected = (1e3 ** (1 / POWER) - 1) / (abs(E_TH) * np.log(1e3) / 1.5)
    assert claims.slowness(numbers).value == pytest.approx(expected, rel=0.01)
    # Between exp(-t) and t / t_w both parts are at rest: Delta = 2 (1 - q) up to 2 q AGEING t / t_w with t near 10.
    assert claims.plateau_height(numbers).value == pytest.approx(2 * (1 - Q), abs=2e-3)
    spread = claims.short_time_spread(numbers, lag=1.0, waiting_time=100.0).value
    # Delta(1) is 2 (1 - q)(1 - 1/e) and 2 q AGEING / 100 more at t_w = 100.
    assert spread == pytest.approx(Q * AGEING / 100 / (1 - Q) / (1 - np.exp(-1)), rel=0.03)


def test_exponential_has_the_initial_slope_and_the_limit():
    numbers = fig1.compute(FigureInputs({"glass": {"ck": [quenched()]}}))
    # -p/2, within half of rate t / |E_th| = 0.85 % at the first time, 0.01.
    assert float(numbers["exponential"][1] / numbers["time"][1]) == pytest.approx(-1.5, rel=0.01)
    assert float(numbers["exponential"][-1]) == pytest.approx(E_TH, abs=1e-12)


def test_short_solution_has_no_slowness():
    short = quenched().isel(time=slice(0, 20))
    with pytest.raises(Missing, match="ends before"):
        claims.slowness(fig1.compute(FigureInputs({"glass": {"ck": [short]}})))


def test_full_ageing_is_found(tmp_path):
    numbers = drawn(ageing, FigureInputs({"glass": {"ck": [quenched()]}}), tmp_path)
    assert claims.ageing_exponent(numbers).value == pytest.approx(1.0, abs=2e-3)
    assert claims.collapse_distance(numbers).value < 1e-3
    last = numbers["relaxation"].isel(waiting_time=-1)
    # C = q (1 + t/t_w)^-a at its levels; linear interpolation in log t, 12 a decade, is good to a few per thousand.
    exact = 1e4 * ((Q / last["level"].values) ** (1 / AGEING) - 1)
    np.testing.assert_allclose(last.values, exact, rtol=5e-3)


def test_levels_that_are_not_reached_are_missing():
    short = quenched().isel(lag=slice(0, 60))
    numbers = ageing.compute(FigureInputs({"glass": {"ck": [short]}}))
    assert np.isnan(numbers["relaxation"].isel(waiting_time=-1)).all()
    assert np.isnan(claims.ageing_exponent(numbers).value)


def test_slopes_of_response_against_correlation(tmp_path):
    files = {"ck": [quenched()], "hot": [quenched(1.0)]}
    numbers = drawn(fdt, FigureInputs({"glass": files}), tmp_path)
    assert claims.response_slope(numbers, low=0.15, high=0.85).value == pytest.approx(X, abs=1e-5)
    # Lags up to about 2 of t_w = 1e4 mix 1e-4 of the slow part in.
    assert claims.response_slope(numbers, low=1.1, high=1.5).value == pytest.approx(1.0, abs=1e-3)
    assert claims.equilibrium_response(numbers).value < 1e-12
    # 1/2 (1 + t)^-0.62 is left at the end.
    assert claims.equilibrium_energy(numbers).value == pytest.approx(0.5 * LATEST**-POWER, rel=1e-4)
    with pytest.raises(Missing, match="fewer than three"):
        claims.response_slope(numbers, low=1.6, high=2.0)


def test_without_equilibrium_the_ageing_quench_is_drawn_alone(tmp_path):
    numbers = drawn(fdt, FigureInputs({"glass": {"ck": [quenched()]}}), tmp_path)
    assert "bath" not in numbers.dims


@pytest.mark.parametrize("module", [fig1, ageing, fdt])
@pytest.mark.parametrize("files", [{}, {"hot": [quenched(1.0)]}, {"a": [quenched()], "b": [quenched(0.4)]}])
def test_one_ageing_solution_is_needed(module, files):
    with pytest.raises(QuenchError, match=r"one solved quench from infinite temperature to below T_d .*, not \d"):
        module.compute(FigureInputs({"glass": files}))


def test_simulations_are_no_solutions():
    assert solved.quenches(FigureInputs({"glass": {"simulated": [quenched(n_spins=50)]}})) == []


def test_lowest_energy_of_the_claim_is_that_of_equilibrium_below_the_static_transition():
    """One step of replica symmetry breaking: the free energy is stationary in q and m, and below T_K lies above annealed."""
    temperature, q, m = 0.5, 0.711666, 0.736148

    def free(q, m):
        slow = 1 - (1 - m) * q
        return -((1 - (1 - m) * q**3) / (4 * temperature)) - temperature / 2 * (
            (m - 1) / m * math.log(1 - q) + math.log(slow) / m
        )

    for step in ((1e-4, 0), (0, 1e-4)):
        forward, back = free(q + step[0], m + step[1]), free(q - step[0], m - step[1])
        assert abs(forward - back) / 2e-4 < 1e-5
    energy = -(1 - (1 - m) * q**3) / (2 * temperature)
    declared = next(one for one in load(CONFIG / "claims.yaml").claims if one.id == "bj-1-above-lowest")
    assert declared.arguments["lowest"] == pytest.approx(energy, abs=1e-5)
    assert energy > threshold.equilibrium_energy(Covariance.pure(3), temperature)
    assert energy < threshold.threshold_energy(Covariance.pure(3), temperature)
