"""Figures of the response, and their claims, on weights that diffuse and drift: T_eff = T + T_0 in closed form."""

import json

import numpy as np
import pytest
import xarray as xr

from quench.claims import response as claims
from quench.dynamics import accumulated_noise
from quench.figures.figure_inputs import FigureInputs
from quench.figures.ours import drift, layers, response, responses
from quench.observables.measure import measure_ensemble

STEP_SIZE, SAMPLES, N_WEIGHTS, NETWORKS = 0.02, 50, 600, 4
TIMES = np.array([0, 10, 12, 20, 110, 1010])
TEMPERATURES = (1e-2, 1e-3, 1e-4)
# A drift of this size per square root of time adds to the displacement what a noise of temperature T_0 would.
T_0 = 3e-3


def walk(temperature, drifting):
    """Snapshots of weights under the noise of the engine, which ``drifting`` weights follow on top of a drift."""
    config = {
        "dynamics": "langevin", "temperature": temperature, "step_size": STEP_SIZE, "P_D": SAMPLES, "anneal": None,
        "prepared": {"width": 5, "weight_decay": 0.0},
    }  # fmt: skip
    noise = accumulated_noise.of_run(config, range(NETWORKS), N_WEIGHTS)
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(NETWORKS, N_WEIGHTS)) * np.sqrt(2 * STEP_SIZE * T_0 / SAMPLES) * drifting
    start = rng.normal(size=(NETWORKS, N_WEIGHTS))
    rows = [
        start + direction * np.sqrt(time) + (noise.advance_to(int(time))["noise"] if noise else 0) for time in TIMES
    ]
    return xr.Dataset(
        {"weights": (("network", "time", "weight"), np.stack(rows, axis=1))},
        coords={
            "time": TIMES,
            "layer": ("weight", np.repeat([0, 1, 2], [100, 400, 100])),
            "seed": ("network", np.arange(NETWORKS)),
            "diverged_at": ("network", np.full(NETWORKS, -1)),
        },
        attrs={"kind": "snapshots", "config": json.dumps(config)},
    )


def observed(temperature, drifting):
    control = walk(0.0, drifting)
    found, config = measure_ensemble([walk(temperature, drifting)], [0, 10], chi=3.0, control=control)
    return found.assign_attrs(kind="observables", config=json.dumps(config))


@pytest.fixture(scope="module")
def inputs():
    runs = {
        name: [observed(temperature, drifting) for temperature in TEMPERATURES]
        for name, drifting in (("drifting", 1.0), ("free", 0.0))
    }
    return FigureInputs({"response": runs}, {"scale": "reduced"})


def test_a_drift_on_top_of_the_noise_adds_its_own_temperature(inputs):
    """X = T/(T + T_0) from t_w = 0, at every lag; the response is that of free weights."""
    numbers = responses.of_run(inputs, "drifting").isel(waiting_time=0).dropna("lag", how="all", subset=["ratio_mean"])
    temperatures = numbers["temperature"]
    expected = (temperatures / (temperatures + T_0)).broadcast_like(numbers["ratio_mean"])
    # The relative error of a mean square over all weights is sqrt(2/2400), and the cross term adds as much.
    np.testing.assert_allclose(numbers["ratio_mean"], expected, rtol=5 * 2 * np.sqrt(2 / (NETWORKS * N_WEIGHTS)))
    np.testing.assert_allclose(numbers["response_mean"], 1, rtol=1e-9)
    assert temperatures.values.tolist() == list(TEMPERATURES)


def test_free_weights_have_the_temperature_of_their_noise(inputs):
    found = claims.ratio(responses.stacked(inputs), "free", 100, (1e-4, 1e-2))
    assert found.low < 1 < found.high and found.high - found.low < 0.2 and found.n_networks == NETWORKS


def test_the_drift_temperature_does_not_depend_on_the_temperature(inputs):
    numbers = responses.stacked(inputs).sel(waiting_time=[0])
    found = claims.drift_slope(numbers, "drifting", 100, (1e-4, 1e-2))
    assert abs(found.value) < 0.15
    spread = claims.response_spread(numbers, "drifting", 100, (1e-4, 1e-2))
    assert spread.value == pytest.approx(1, abs=1e-9)


def test_the_projection_on_the_drift_is_one_and_the_cosine_falls_with_temperature(inputs):
    numbers = drift.compute(inputs)
    assert {"control_projection_mean", "control_cosine_mean"} <= set(numbers)
    one = responses.of_run(inputs, "drifting").isel(waiting_time=0).sel(lag=1010)
    hot, cold = one.isel(temperature=0), one.isel(temperature=-1)
    # cos = sqrt(T_0/(T + T_0)) for a drift and an independent noise.
    for at, temperature in ((hot, 1e-2), (cold, 1e-4)):
        assert float(at["control_cosine_mean"]) == pytest.approx(np.sqrt(T_0 / (temperature + T_0)), abs=0.05)
    assert float(cold["control_projection_mean"]) == pytest.approx(1, abs=0.02)


def test_the_harmonic_response_is_that_of_the_averaged_networks(inputs):
    """Two chunks of networks in wells of one stiffness each; the one that the response leaves out does not count."""
    chunks = [
        xr.Dataset({"stiffness": (("network", "direction"), np.full((2, 5), k))}, {"seed": ("network", seeds)})
        for k, seeds in ((0.0, [0, 1]), (10.0, [2, 7]))
    ]
    runs = {"drifting": [one.isel(network=[0, 1, 2]) for one in inputs.of("response")["drifting"]]}
    numbers = response.compute(
        FigureInputs({"response": runs, "curvature": {"drifting": chunks}}, {"scale": "reduced"})
    )
    lags = numbers["lag"].values
    well = (1 - 0.8**lags) / (0.2 * lags)
    np.testing.assert_allclose(numbers["harmonic"].sel(panel="drifting"), (2 + well) / 3, rtol=1e-9)
    assert len(response.draw(numbers).axes) > 0


def test_lags_below_a_hundred_are_even():
    numbers = xr.Dataset({"ratio_mean": ("lag", np.arange(5.0))}, coords={"lag": [1, 2, 11, 99, 101]})
    assert int(responses.near(numbers, 1)["lag"]) == 2
    assert int(responses.near(numbers, 100)["lag"]) == 101
    assert np.isnan(responses.near(numbers, 20)["ratio_mean"])


def test_pictures_show_every_panel(inputs):
    for module in (response, drift, layers):
        numbers = module.compute(inputs)
        figure = module.draw(numbers)
        drawn = [ax for ax in figure.axes if ax.lines or ax.collections]
        assert len(drawn) >= 2, module.__name__
