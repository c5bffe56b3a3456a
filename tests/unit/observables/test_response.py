"""The response to a field, from the noise alone, against exact results, an applied field and the noise summed by hand."""

import json

import numpy as np
import pytest
import xarray as xr
from walks import random_walk

from quench.dynamics import accumulated_noise
from quench.dynamics.accumulated_noise import AccumulatedNoise
from quench.dynamics.annealing import Annealing
from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.fused import langevin as engine
from quench.dynamics.fused.problem import Problem
from quench.errors import QuenchError
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import normals, stream_id
from quench.observables.accumulator import TwoTimeObservables
from quench.observables.measure import measure
from quench.observables.response import layer_sums, response
from quench.store import files

SAMPLES = 50
STEP_SIZE = 0.02


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(SAMPLES, 4)), rng.choice([-1.0, 1.0], SAMPLES)
    return Problem(x, y, Architecture(4, 5, 6), precision="float64")


def measured(task, langevin, weights, *, times, waiting_times, lags, weight_decay=0.0):
    """Tables of the engine's own trajectory of ``weights`` (network, weight), recorded at ``times``."""
    weights = weights.copy()
    seeds = range(len(weights))
    ensemble = Ensemble(seeds, stream_id(accumulated_noise.stream(langevin)), weight_decay)
    noise = AccumulatedNoise(langevin, seeds, weights.shape[1], SAMPLES)
    layer = task.architecture.layer_index
    observables = TwoTimeObservables(waiting_times, lags, [], np.ones((1, len(weights))), layer)
    at = 0
    for time in times:
        engine.advance(task, langevin, ensemble, weights, at, time - at)
        at = time
        observables.record(time, weights, **noise.advance_to(time))
    return observables.tables


def test_the_noise_is_that_of_the_engine_summed_by_hand(task):
    """At zero loss and without decay nothing but the noise moves the weights: dw = a sum xi."""
    weights = np.zeros((2, task.architecture.n_weights))
    langevin = Langevin(STEP_SIZE, 1e-3)
    noise = AccumulatedNoise(langevin, [0, 1], weights.shape[1], SAMPLES)
    amplitude = np.sqrt(2 * STEP_SIZE * 1e-3 / SAMPLES)
    stream = stream_id("langevin noise at T = 0.001")
    summed = np.array(
        [
            sum(amplitude * normals(seed, stream, k, weights.shape[1]).astype(float) for k in range(37))
            for seed in (0, 1)
        ]
    )
    noise.advance_to(20)
    np.testing.assert_allclose(noise.advance_to(37)["noise"], summed, rtol=1e-12, atol=1e-15)


def test_a_free_weight_has_response_one_whatever_its_noise(task):
    """W = 0: the gradient is of order w^6, far below the resolution here, so that the weights are free."""
    weights = np.zeros((3, task.architecture.n_weights))
    times, lags = [0, 5, 6, 7, 15, 105], [1, 2, 10, 100]
    tables = measured(task, Langevin(STEP_SIZE, 1e-6), weights, times=times, waiting_times=[5], lags=lags)
    # The noise adds up to rounding: weights and sums are float64.
    np.testing.assert_allclose(tables["response"], 1, rtol=1e-11)
    np.testing.assert_allclose(tables["layer_response"], 1, rtol=1e-11)


def test_networks_at_zero_loss_are_free():
    """Labels of the network itself and outputs beyond the margin: loss and gradient are 0, so that dw is the noise."""
    rng = np.random.default_rng(5)
    architecture, x = Architecture(4, 8, 6), rng.normal(size=(SAMPLES, 4))
    teacher = 2 * initial_weights(architecture, 0)
    hidden = x
    for layer, shape in enumerate(architecture.shapes):
        matrix = teacher[architecture.offsets[layer] : architecture.offsets[layer + 1]].reshape(shape)
        hidden = np.maximum(hidden @ matrix.T, 0) if layer < 6 else hidden @ matrix.T
    output = hidden[:, 0]
    shown = np.abs(output) > np.median(np.abs(output))
    teacher[architecture.offsets[6] :] *= 2 / np.abs(output[shown]).min()
    free = Problem(x[shown], np.sign(output[shown]), architecture, precision="float64")
    assert free.loss(teacher[None]) == (0.0, 0.0) and 0 < (output > 0)[shown].mean() < 1
    weights = np.tile(teacher, (2, 1))
    langevin, seeds = Langevin(STEP_SIZE, 1e-6), range(2)
    noise = AccumulatedNoise(langevin, seeds, weights.shape[1], free.n_samples)
    ensemble = Ensemble(seeds, stream_id(accumulated_noise.stream(langevin)), 0.0)
    for at, n_steps in ((0, 1), (1, 99)):
        engine.advance(free, langevin, ensemble, weights, at, n_steps)
        alone = noise.advance_to(at + n_steps)["noise"]
        # Rounding of one addition to a weight, against a step of the noise: 1e-11 and below for weights of order 1.
        tolerance = (at + n_steps) * np.spacing(np.abs(teacher).max())
        np.testing.assert_allclose(weights - teacher, alone, rtol=0, atol=tolerance)
        np.testing.assert_allclose(response(weights - teacher, alone), 1, rtol=1e-9)
        square = 2 * STEP_SIZE * 1e-6 / free.n_samples * (at + n_steps)
        ratio = square / np.mean(np.square(weights - teacher))
        assert abs(ratio - 1) < 5 * np.sqrt(2 / weights.size)


def test_one_update_beside_the_run_at_zero_temperature_has_the_response_of_a_free_weight(task):
    """The gradients are the same, so that the difference is the noise and 2 T chi = a^2 exactly."""
    start = 2 * np.stack([initial_weights(task.architecture, seed) for seed in range(2)]).astype(np.float64)
    moved = []
    for temperature in (1e-3, 0.0):
        langevin, weights = Langevin(STEP_SIZE, temperature), start.copy()
        ensemble = Ensemble(range(2), stream_id(accumulated_noise.stream(langevin)), 0.5)
        engine.advance(task, langevin, ensemble, weights, 0, 1)
        moved.append(weights - start)
    noise = AccumulatedNoise(Langevin(STEP_SIZE, 1e-3), range(2), start.shape[1], SAMPLES).advance_to(1)["noise"]
    np.testing.assert_allclose(response(moved[0], noise, control=moved[1]), 1, rtol=1e-11)
    assert not np.allclose(response(moved[0], noise), 1, rtol=1e-3)


def test_half_the_step_size_and_twice_the_time_have_the_same_ratio():
    """X of networks that slide downhill, at independent noise; the same number of updates gives another X."""
    rng, n_networks = np.random.default_rng(5), 48
    x, y = rng.normal(size=(SAMPLES, 4)), rng.choice([-1.0, 1.0], SAMPLES)
    task = Problem(x, y, Architecture(4, 8, 3), precision="float64")
    start = np.stack([initial_weights(task.architecture, seed) for seed in range(n_networks)]).astype(np.float64)
    engine.advance(task, Langevin(STEP_SIZE, 0.0), Ensemble(range(n_networks), 0, 0.003), start, 0, 3000)

    def ratio(step_size, waiting_time, lag, first_seed):
        """X and its standard error."""
        langevin, weights = Langevin(step_size, 1e-3), start.copy()
        seeds = range(first_seed, first_seed + n_networks)
        ensemble = Ensemble(seeds, stream_id(accumulated_noise.stream(langevin)), 0.003)
        noise = AccumulatedNoise(langevin, seeds, weights.shape[1], SAMPLES)
        engine.advance(task, langevin, ensemble, weights, 0, waiting_time)
        reference, before = weights.copy(), noise.advance_to(waiting_time)["noise"].copy()
        engine.advance(task, langevin, ensemble, weights, waiting_time, lag)
        displacement, alone = weights - reference, noise.advance_to(waiting_time + lag)["noise"] - before
        over = 2 * step_size * 1e-3 / SAMPLES * lag * response(displacement, alone)
        under = np.mean(np.square(displacement), axis=1)
        value = over.mean() / under.mean()
        return value, (over - value * under).std(ddof=1) / np.sqrt(n_networks) / under.mean()

    whole, half, shorter = ratio(0.02, 100, 400, 0), ratio(0.01, 200, 800, 1000), ratio(0.01, 100, 400, 2000)
    assert abs(whole[0] - half[0]) < 3 * np.hypot(whole[1], half[1])
    assert abs(whole[0] - shorter[0]) > 3 * np.hypot(whole[1], shorter[1])
    assert whole[0] < 0.5, "the drift dominates"


@pytest.mark.parametrize("waiting_time", [0, 10, 200])
def test_a_harmonic_well_has_its_exact_response_and_displacement(task, waiting_time):
    """W = 0 with decay lambda is a well of that stiffness at every weight; r = 1 - mu lambda.

    2 T chi = a^2 (1 - r^n)/(1 - r), and MSD = v(t_w) (1 - r^n)^2 + v(n) with v(n) = a^2 (1 - r^2n)/(1 - r^2): at
    equilibrium X = 1 - mu lambda / 2.
    """
    decay, temperature, n_networks = 5.0, 1e-6, 48
    lags = np.array([1, 2, 5, 20, 100])
    weights = np.zeros((n_networks, task.architecture.n_weights))
    times = sorted({waiting_time, *(waiting_time + lags).tolist()})
    langevin = Langevin(STEP_SIZE, temperature)
    tables = measured(task, langevin, weights, times=times, waiting_times=[waiting_time], lags=lags, weight_decay=decay)
    r = 1 - STEP_SIZE * decay
    squared = 2 * STEP_SIZE * temperature / SAMPLES
    free = (1 - r**lags) / (1 - r) / lags
    spread = lambda n: squared * (1 - r ** (2 * n)) / (1 - r**2)  # noqa: E731
    msd = spread(waiting_time) * (1 - r**lags) ** 2 + spread(lags)
    for name, exact in (("response", free), ("msd", msd)):
        values = tables[name][:, 0]
        error = values.std(axis=0, ddof=1) / np.sqrt(n_networks)
        # Five standard errors of the mean; 30 comparisons in all.
        assert (np.abs(values.mean(axis=0) - exact) <= 5 * error + 1e-9 * exact).all(), name
    if waiting_time == 200:
        ratio = squared * lags * tables["response"][:, 0].mean(axis=0) / tables["msd"][:, 0].mean(axis=0)
        n_weights = n_networks * weights.shape[1]
        np.testing.assert_allclose(ratio, 1 - STEP_SIZE * decay / 2, atol=5 * np.sqrt(2 / n_weights) * 1.5)


def test_a_field_that_is_applied_gives_the_same_response(task):
    """A force of random sign on every weight from t_w on, under the same noise: chi is the mean shift along the field."""
    n_networks, waiting_time, lags = 24, 30, [1, 3, 10, 30, 100, 300]
    langevin = Langevin(STEP_SIZE, 1e-3)
    start = 2 * np.stack([initial_weights(task.architecture, seed) for seed in range(n_networks)]).astype(np.float64)
    ensemble = Ensemble(range(n_networks), stream_id(accumulated_noise.stream(langevin)), 0.5)
    amplitude = np.sqrt(2 * STEP_SIZE * 1e-3 / SAMPLES)
    signs = np.sign(np.random.default_rng(0).normal(size=start.shape))
    push = 1e-3 * amplitude
    free, pushed, at, applied = start.copy(), None, 0, []
    for time in range(waiting_time + lags[-1]):
        if time == waiting_time:
            pushed = free.copy()
        engine.advance(task, langevin, ensemble, free, time, 1)
        if pushed is not None:
            engine.advance(task, langevin, ensemble, pushed, time, 1)
            pushed += push * signs
            at = time + 1 - waiting_time
            if at in lags:
                applied.append(((pushed - free) * signs).mean(axis=1) / (push * at))
    times = [waiting_time, *(waiting_time + lag for lag in lags)]
    tables = measured(task, langevin, start, times=times, waiting_times=[waiting_time], lags=lags, weight_decay=0.5)
    difference = tables["response"][:, 0] - np.array(applied).T
    error = difference.std(axis=0, ddof=1) / np.sqrt(n_networks)
    assert (np.abs(difference.mean(axis=0)) < 4 * error + 1e-6).all()
    assert np.mean(applied[-1]) < 0.9, "the landscape acts within the lags of this test"


def test_an_annealed_run_weighs_the_noise_of_every_update_by_its_temperature():
    langevin = Langevin(STEP_SIZE, 1e-4, Annealing(1e-2, 1e-4, 10))
    noise = AccumulatedNoise(langevin, [3], 7, SAMPLES)
    noise.advance_to(4)
    sums = noise.advance_to(15)
    stream = stream_id("langevin noise annealed to T = 0.0001")
    temperatures = [langevin.anneal.temperature(k) for k in range(15)]
    amplitudes = np.sqrt(2 * STEP_SIZE * np.array(temperatures) / SAMPLES)
    xi = np.array([normals(3, stream, k, 7) for k in range(15)], dtype=float)
    np.testing.assert_allclose(sums["noise"][0], amplitudes @ xi, rtol=1e-12)
    np.testing.assert_allclose(sums["field"][0], (1 / amplitudes) @ xi, rtol=1e-12)
    # A free weight moves by its noise: the response is 1 whatever the temperatures were.
    np.testing.assert_allclose(response(sums["noise"], sums["noise"], sums["field"]), 1, rtol=1e-12)


@pytest.mark.parametrize("config", [{}, {"dynamics": "sgd"}, {"dynamics": "langevin", "temperature": 0.0}])
def test_dynamics_without_thermal_noise_has_no_response(config):
    known = {"step_size": 0.1, "temperature": 0.1, "P_D": 10, **config} if config else {}
    assert accumulated_noise.of_run(known, [0], 3) is None


def test_layers_sum_to_the_whole():
    rng = np.random.default_rng(2)
    values, layer = rng.normal(size=(3, 40)), np.repeat([0, 1, 2], [10, 25, 5])
    np.testing.assert_allclose(layer_sums(values, layer).sum(axis=1), values.sum(axis=1), rtol=1e-12)
    walk = random_walk()
    result = measure(walk, [5, 10], chi=50)
    sizes = np.bincount(walk["layer"].values)
    for name in ("msd", "overlap"):
        whole = (result[f"layer_{name}"] * sizes).sum("layer", skipna=False) / sizes.sum()
        np.testing.assert_allclose(whole, result[name], rtol=1e-12, atol=1e-15)


def _declared(walk, **config):
    return walk.assign_attrs(kind="snapshots", config=json.dumps(config))


def test_a_control_run_is_subtracted_and_only_from_the_response():
    walk = random_walk()
    noisy = walk.assign(noise=walk["weights"] - walk["weights"].isel(time=0))
    drift = random_walk(seed=9)["weights"]
    control = _declared(walk.assign(weights=drift), temperature=0)
    moved = _declared(noisy.assign(weights=walk["weights"] + drift))
    plain, controlled = measure(moved, [5], chi=50), measure(moved, [5], chi=50, control=control)
    np.testing.assert_allclose(controlled["response"].sel(lag=[1, 5, 10]), 1, rtol=1e-10)
    assert not np.allclose(plain["response"].sel(lag=[1, 5, 10]), 1, rtol=1e-3)
    xr.testing.assert_identical(plain["msd"], controlled["msd"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.isel(network=[0, 1]), "no network of seed 2"),
        (lambda one: one.isel(time=slice(0, -1)), "other weights or times"),
        (lambda one: _declared(one, temperature=0.1), "same networks at T = 0"),
        (lambda one: _declared(one, temperature=0, prepared={"width": 3}), "same networks at T = 0"),
    ],
)
def test_a_control_run_that_does_not_fit_is_named(change, message):
    walk = random_walk()
    noisy = walk.assign(noise=walk["weights"])
    with pytest.raises(QuenchError, match=message):
        measure(noisy, [5], chi=50, control=change(_declared(walk, temperature=0)))


def test_a_control_run_needs_noise():
    with pytest.raises(QuenchError, match="no noise to respond to"):
        measure(random_walk(), [5], chi=50, control=random_walk())


@pytest.mark.parametrize("options", [[], ["--anneal-start", "0.05", "--anneal-updates", "25"]])
def test_streamed_is_full_for_a_run_and_its_restarts(inputs, run, quench, tmp_path, options):
    streamed = ["--snapshots", "streamed", "--chi", "30", "--motility-lags", "40"]
    assert run(inputs, tmp_path / "full.nc", *options) == 0
    assert run(inputs, tmp_path / "streamed.nc", *streamed, *options) == 0
    for name in ("full", "streamed"):
        words = ("observe", tmp_path / f"{name}.nc", "--chi", 30, "--motility-lags", 40)
        assert quench(*words, "-o", tmp_path / f"o-{name}.nc") == 0
    assert (tmp_path / "o-full.nc").read_bytes() == (tmp_path / "o-streamed.nc").read_bytes()
    found = files.read(tmp_path / "o-full.nc")
    assert np.isfinite(found["response_mean"].sel(lag=found["lag"] > 0)).all()
    assert found["layer_response_mean"].dims == ("waiting_time", "lag", "layer")
