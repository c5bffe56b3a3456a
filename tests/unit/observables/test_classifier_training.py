"""A classifier trained from Python: the contract that it follows, its measurements, and a diverged network."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from tiny_classifier import CHOICES, task

from quench.dynamics.minibatch import descent
from quench.dynamics.schedule import log_spaced
from quench.dynamics.two_time import TwoTimeSchedule
from quench.errors import QuenchError
from quench.observables.classifier_training import trajectories, trajectory
from quench.store import contracts
from quench.store.variables import config_of


@pytest.fixture(scope="module")
def training():
    return trajectory(task(), 1).follow()


def test_the_result_follows_its_contract(training):
    contracts.check(training, "training", "training of a test")
    config = config_of(training)
    assert config["n_weights"] == training.sizes["weight"] == 16 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3
    assert config["n_train"] == 60 and config["n_test"] == 20
    assert config["constant_loss"] == pytest.approx(np.log(3))
    assert config["noise_method"] == "exact"
    assert config | {"keep": list(CHOICES["keep"]), "widths": [6, 5], "steps": 200} == config
    assert training["seed"].values.tolist() == [1] and training["diverged_at"].values.tolist() == [-1]
    for name in ("train_loss", "test_accuracy", "noise", "gradient_square", "gradient_square_error"):
        assert np.isfinite(training[name]).all()


def test_measurements_are_at_the_declared_times(training):
    schedule = TwoTimeSchedule(200)
    final = [133, 143, 152, 162, 171, 181, 190, 200]
    expected = {0, *log_spaced(1, 200, 8).tolist(), *schedule.waiting_times.tolist(), *final}
    assert set(training["time"].values.tolist()) == expected
    # Averages over the last third are not those of the two or three log-spaced measurements there.
    assert (training["time"] >= 2 / 3 * 200).sum() >= 7
    assert np.array_equal(training["lag"], schedule.lags)
    assert training["kept_time"].values.tolist() == [0, 100, 200]


def test_training_is_the_descent_of_the_network_over_its_batches(training):
    learning = task()
    network = learning.network(1)
    images, classes = learning.train(network)
    start = network.weights.clone()
    updates = descent("fused", network, images, classes, learning.order(1), 0.1)
    updates.advance(updates.state().weights, 0, 200)
    assert np.array_equal(training["weights"].values[0, -1], network.weights.numpy())
    assert training["train_loss"].values[0, -1] == pytest.approx(network.evaluate(images, classes).loss, rel=1e-6)
    moved = (network.weights - start).double().square().mean().item()
    assert training["displacement"].sel(waiting_time=0, lag=200).values[0, 0] == pytest.approx(moved, rel=1e-12)


def test_a_diverged_network_is_recorded_no_further():
    diverged = trajectory(task(rate=1e30), 0).follow()
    assert diverged["diverged_at"].values[0] > 0
    assert np.isnan(diverged["train_loss"].isel(time=-1)).all()
    assert np.isnan(diverged["weights"].sel(kept_time=200)).all()


def test_networks_are_built_in_turn_and_their_memory_is_reported(training):
    lines = []
    torch.manual_seed(0)
    found = [one.follow() for one in trajectories(task(), [0, 1], lines.append)]
    xr.testing.assert_identical(found[1], training)
    assert len(lines) == 2 and lines[0].startswith("155 weights, at most ")
    with pytest.raises(QuenchError, match="batch_size"):
        trajectory(task(batch_size=61), 0)


def test_device_and_threads_are_in_the_key_and_in_the_file_where_they_decide_bits(training):
    assert "threads" not in training.attrs, "the fused engine has the same bits everywhere"
    found, learning = [], replace(task(), backend="reference")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(trajectory(learning, 1))
    torch.set_num_threads(1)
    assert [one.inputs for one in found] == [{"seed": 1, "device": "cpu", "threads": number} for number in (1, 2)]
    assert found[0].config == found[1].config
    assert found[1].result(found[1].state).attrs == {"device": "cpu", "threads": 2}
