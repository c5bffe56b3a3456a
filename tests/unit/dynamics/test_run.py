"""Measured dynamics from Python without files: streams, annealing, and what a run records."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from quench.dynamics import preparation, run
from quench.dynamics.annealing import Annealing
from quench.dynamics.choices import SGD, Adam, Compute, Ensemble, Langevin, Preparation
from quench.dynamics.fused.problem import Problem as Fused
from quench.dynamics.reference import langevin, optimisers, sgd
from quench.dynamics.reference.problem import Problem
from quench.dynamics.schedule import Schedule
from quench.networks.mlp import Architecture
from quench.numerics.random import stream_id
from quench.observables import streaming
from quench.store.variables import config_of

ARCHITECTURE = Architecture(4, 5, 2)
SEEDS = (4, 9)
SCHEDULE = Schedule((3, 8), 20)
REFERENCE = Compute("reference")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.choice([-1, 1], 50)
    return xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})


@pytest.fixture(scope="module")
def pretrained(data):
    protocol = Preparation(learning_rate=0.05, epochs=2, batch_size=16)
    choices = {"width": 5, "depth": 2, "weight_decay": 0.01, "seeds": SEEDS, "compute": REFERENCE}
    return preparation.trajectory(data, preparation=protocol, **choices).follow()


def measured(pretrained, data, dynamics, **choices):
    return run.trajectory(pretrained, data, dynamics, SCHEDULE, compute=REFERENCE, **choices).follow()


DYNAMICS = {
    "langevin": (Langevin(0.02, 0.01), langevin.advance, "langevin noise at T = 0.01"),
    "sgd": (SGD(0.02, 16), sgd.advance, "batches of 16"),
    "momentum": (SGD(0.02, 16, momentum=0.9), optimisers.advance, "batches of 16"),
    "adam": (Adam(0.001, 20), optimisers.advance, "batches of 20"),
}


@pytest.mark.parametrize("name", DYNAMICS)
def test_run_is_its_update_rule_with_the_stream_of_its_point(pretrained, data, name):
    """The words of the random streams are part of every result: another word is another noise."""
    dynamics, advance, stream = DYNAMICS[name]
    snapshots = measured(pretrained, data, dynamics)
    task = Problem(data["x"].values, data["y"].values, ARCHITECTURE)
    weights, ensemble = pretrained["weights"].values.copy(), Ensemble(SEEDS, stream_id(stream), 0.01)
    memory = [np.zeros((2, dynamics.slots, ARCHITECTURE.n_weights))] if dynamics.slots else []
    assert np.array_equal(snapshots["weights"].isel(time=0), weights)
    advance(task, dynamics, ensemble, *memory, weights, 0, 28)
    assert snapshots["weights"].isel(time=-1).values.tobytes() == weights.tobytes()
    assert np.array_equal(snapshots["time"], SCHEDULE.times)
    np.testing.assert_allclose(snapshots["sigma"], pretrained["weights"].std("weight"), rtol=1e-12)
    config = config_of(snapshots)
    assert config["prepared"] == config_of(pretrained) and config["waiting_times"] == [3, 8]
    assert config["dynamics"] == ("sgd" if name == "momentum" else name)


def test_annealed_run_has_its_own_stream_and_ends_at_its_temperature(pretrained, data):
    """Annealing from T to T: the constant temperature, with the noise of another stream."""
    constant = Langevin(0.02, 0.01, Annealing(0.01, 0.01, 10))
    snapshots = measured(pretrained, data, constant)
    task = Problem(data["x"].values, data["y"].values, ARCHITECTURE)
    weights = pretrained["weights"].values.copy()
    ensemble = Ensemble(SEEDS, stream_id("langevin noise annealed to T = 0.01"), 0.01)
    langevin.advance(task, Langevin(0.02, 0.01), ensemble, weights, 0, 28)
    assert snapshots["weights"].isel(time=-1).values.tobytes() == weights.tobytes()


def test_network_that_diverges_while_it_is_annealed_is_dated(pretrained, data):
    wild = pretrained.copy(deep=True)
    wild["weights"][1] *= 1e60
    dynamics = Langevin(0.02, 0.01, Annealing(0.05, 0.01, 10))
    snapshots = measured(wild, data, dynamics)
    assert snapshots["diverged_at"].values.tolist() == [-1, 1]
    alone = measured(wild.isel(network=[0]), data, dynamics)
    assert np.array_equal(alone["weights"][0], snapshots["weights"][0])


@pytest.mark.parametrize("backend", [Problem, Fused], ids=["reference", "fused"])
@pytest.mark.parametrize("form", ["linear", "exponential"])
def test_annealed_weights_in_a_harmonic_well_have_the_exact_variance(backend, form):
    """Without data (x = 0) the loss has no gradient and each weight is an Ornstein-Uhlenbeck process in the well
    lambda w^2 / 2: V <- (1 - mu lambda)^2 V + 2 mu T_k / P, exactly. 1,740 weights give V within 5 sqrt(2 / 1740)."""
    architecture = Architecture(inputs=4, width=12, depth=3)
    task = backend(np.zeros((2, 4)), np.array([-1.0, 1.0]), architecture, precision="float64")
    step_size, decay, annealing = 0.05, 2.0, Annealing(1.0, 0.01, 40, form)
    dynamics, ensemble = Langevin(step_size, 0.01, annealing), Ensemble(range(5), 1, decay)
    weights, variance, step = np.zeros((5, architecture.n_weights)), 0.0, 0
    for until in (5, 20, 40, 45, 150):
        assert (run.langevin(task, dynamics, ensemble, weights, step, until - step) == -1).all()
        for k in range(step, until):
            variance = (1 - step_size * decay) ** 2 * variance + 2 * step_size * annealing.temperature(k) / 2
        step = until
        assert weights.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / weights.size))


def test_loss_of_the_preparation_is_that_of_the_run(data):
    protocol = Preparation(learning_rate=0.01, epochs=1, batch_size=16)
    choices = {"width": 5, "depth": 2, "weight_decay": 0.0, "seeds": SEEDS, "loss": "mse"}
    prepared = preparation.trajectory(data, preparation=protocol, **choices).follow()
    snapshots = measured(prepared, data, Langevin(0.001, 0.01))
    assert np.array_equal(snapshots["data_loss"].isel(time=0), prepared["data_loss"].isel(time=-1))
    assert snapshots["data_loss"].attrs["long_name"] == "mse loss"


@pytest.mark.parametrize("hidden_only", [False, True])
def test_streamed_run_measures_the_trajectory_of_the_full_one(pretrained, data, hidden_only):
    dynamics, chis = Langevin(0.02, 0.01), (30.0, 100.0)
    full = measured(pretrained, data, dynamics)
    recording = partial(streaming.recording, chis=chis, hidden_only=hidden_only)
    streamed = measured(pretrained, data, dynamics, recording=recording)
    assert config_of(streamed) == config_of(full) and "weight" not in streamed.dims
    assert np.array_equal(streamed["loss"], full["loss"])
    counted = ARCHITECTURE.layer_index < (2 if hidden_only else 3)
    assert int(streamed["n_weights"]) == counted.sum()
    weights = full["weights"].values[:, :, counted]
    moved = weights[:, list(SCHEDULE.times).index(28)] - weights[:, list(SCHEDULE.times).index(8)]
    pair = streamed.sel(waiting_time=8, lag=20)
    np.testing.assert_allclose(pair["msd"], np.mean(moved**2, axis=1), rtol=1e-12)
    for chi in chis:
        sigma = pretrained["weights"].values[:, counted].std(axis=1)
        np.testing.assert_allclose(streamed["sigma"], sigma, rtol=1e-12)
        within = np.abs(moved) < sigma[:, None] / chi
        np.testing.assert_allclose(pair["overlap"].sel(chi=chi), within.mean(axis=1), rtol=1e-12)
