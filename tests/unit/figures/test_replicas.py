"""Figures and claims of replicas, on weights that diffuse freely and on weights that drift where their start sends them."""

import json

import numpy as np
import pytest
import xarray as xr

from quench.claims import replicas as claims
from quench.claims.measured import Missing
from quench.dynamics.trajectory import State
from quench.figures import build
from quench.figures.figure_inputs import FigureInputs
from quench.figures.ours import persistence, replicas
from quench.observables.replicas import Replicas

STEP_SIZE, SAMPLES, N_WEIGHTS, NETWORKS, COPIES, WAITING = 0.02, 50, 2000, 4, 4, 10
LAGS = np.array([0, 2, 4, 6, 10, 20, 40, 60, 80, 100, 140, 200])
TEMPERATURES = (1e-2, 1e-3)


def recorded(temperature, drifting, epsilon=0.015):
    """Gaussian walks, or a drift of its own for each weight with a hundredth of that noise on top."""
    recorder = Replicas(WAITING, LAGS, np.full(NETWORKS, epsilon), COPIES, np.ones(N_WEIGHTS, dtype=bool))
    generator = np.random.Generator(np.random.Philox(3))
    step = np.sqrt(2 * STEP_SIZE * temperature / SAMPLES) * (0.01 if drifting else 1)
    velocity = drifting * 3e-4 * np.tile(generator.standard_normal((NETWORKS, N_WEIGHTS)), (COPIES, 1))
    weights = np.zeros((COPIES * NETWORKS, N_WEIGHTS))
    for moment in range(WAITING + LAGS[-1] + 1):
        recorder.record(State(weights, step=moment))
        weights = weights + velocity + step * generator.standard_normal(weights.shape)
    run = {"temperature": temperature, "step_size": STEP_SIZE, "P_D": SAMPLES, "waiting_time": WAITING}
    run["prepared"] = {"width": 5}
    tables = {name: (("network", "lag"), values) for name, values in recorder.tables.items()}
    return xr.Dataset(
        tables | {"epsilon": ("network", recorder.epsilon)},
        {"seed": ("network", np.arange(NETWORKS)), "state": ("network", np.zeros(NETWORKS, int)), "lag": LAGS},
        {"kind": "replicas", "config": json.dumps({"trajectory": run, "chi": 30})},
    )


@pytest.fixture(scope="module")
def inputs():
    runs = {
        name: [recorded(T, drifting) for T in TEMPERATURES] for name, drifting in (("free", 0.0), ("drifting", 1.0))
    }
    return FigureInputs({"replicas": runs}, {"scale": "reduced"})


def test_free_weights_owe_nothing_to_the_start(inputs):
    numbers = build.numbers(replicas, inputs)
    hot = (1e-2, 1)
    # 4 networks x 2,000 weights x 6 pairs: standard error of P 0.5 %; of a mean square distance 0.8 %.
    assert claims.at_level(numbers, "free", "propensity", hot).value == pytest.approx(0, abs=0.025)
    assert claims.at_level(numbers, "free", "diffused", hot).value == pytest.approx(1, abs=0.04)
    assert claims.at_level(numbers, "free", "parted", hot).value == pytest.approx(1, abs=0.04)
    # The variance of four overlaps has a relative error of sqrt(2/3), of four networks 0.41.
    assert 0 < claims.at_level(numbers, "free", "correlated", hot).value < 1 + 4 * 0.41
    # erf(epsilon/sqrt(4 D t)) = 0.7, between two lags.
    expected = 0.015**2 / (4 * STEP_SIZE * 1e-2 / SAMPLES * 0.7329**2)
    np.testing.assert_allclose(numbers["level_lag_single"].sel(panel="free", temperature=1e-2), expected, rtol=0.1)


def test_drifting_weights_are_sent_by_their_start(inputs):
    numbers = build.numbers(replicas, inputs)
    assert claims.at_level(numbers, "drifting", "propensity", (1e-3, 1e-2)).value > 0.95
    assert claims.at_level(numbers, "drifting", "parted", (1e-3, 1e-3)).value < 0.01
    assert claims.propensity_rise(numbers, "drifting").value > 0


def test_a_level_that_is_not_reached_has_no_number(inputs):
    numbers = build.numbers(replicas, inputs)
    cold = claims.at_level(numbers, "free", "propensity", (1e-3, 1e-3))
    assert np.isnan(cold.value) and "does not fall far enough" in cold.reason
    with pytest.raises(Missing, match=r"no temperature from 0\.1 to 1"):
        claims.at_level(numbers, "free", "propensity", (0.1, 1))


def test_free_weights_persist_as_they_must(inputs):
    numbers = build.numbers(persistence, inputs)
    # Steps between two looks of an eighth of epsilon; a standard error of sqrt(1/4 / 32,000) = 0.003.
    assert claims.persistence_excess(numbers, "free", (1e-3, 1e-3)).value < 0.015
    assert claims.persistence_excess(numbers, "drifting", (1e-3, 1e-3)).value > 0.1
    assert claims.returned(numbers, "free", 1e-2).value > 0.3
    assert claims.returned(numbers, "drifting", 1e-3).value < 0.02


def test_the_level_is_reached_between_two_lags():
    overlap = xr.DataArray([[1.0, 0.8, 0.6, 0.9], [1.0, 0.9, 0.8, 0.75]], dims=("network", "lag"))
    measured = xr.Dataset({"overlap": overlap, "twice": 2 * overlap}, {"lag": [0, 10, 30, 50]})
    found = replicas.at_level(measured, 0.7)
    np.testing.assert_allclose(found["level_lag"], [20, np.nan])
    np.testing.assert_allclose(found["twice"], [1.4, np.nan])


@pytest.mark.parametrize("module", [replicas, persistence])
def test_figures_are_drawn(module, inputs, tmp_path):
    assert len(build.draw(module, build.numbers(module, inputs), tmp_path / "figure")) == 3
