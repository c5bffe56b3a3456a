"""SGD of one classifier: the update rule, its recorder, a run that is stopped and resumed, and diverged networks."""

import itertools

import numpy as np
import pytest
import torch

from quench.dynamics.batches import DataOrder
from quench.dynamics.minibatch import ClassifierRecorder, descent
from quench.dynamics.reference.minibatch import augmented
from quench.dynamics.trajectory import Leg, follow
from quench.dynamics.two_time import TwoTimeSchedule, displacement_of_snapshots
from quench.networks.zoo import Images, build

SMALL = {
    "B": (Images(1, 6, 3), (7, 5)),
    "C": (Images(1, 16, 3), (2, 3, 5)),
    "D": (Images(1, 8, 3), (2,)),
}


def task(name="B", n=20, seed=0, dtype=torch.float32):
    images, widths = SMALL[name]
    generator = torch.Generator().manual_seed(11)
    network = build(name, images, seed, widths=widths, dtype=dtype)
    x = torch.randn(n, images.channels, images.side, images.side, generator=generator)
    return network, network.prepared(x), torch.randint(0, 3, (n,), generator=generator)


BACKENDS = [("reference", "B"), ("reference", "C"), ("reference", "D"), ("fused", "B")]


def run(backend, name, n_steps=60, stop_at=None, momentum=0.0, rate=0.05):
    """A complete run; with ``stop_at``, stopped there and resumed from plain arrays in a new network."""
    schedule = TwoTimeSchedule(n_steps, windows=2)

    def fresh():
        network, x, y = task(name)
        updates = descent(backend, network, x, y, DataOrder(len(y), 6, 3, 1), rate, momentum)
        measure_at = [0, 5, 30, n_steps]
        recorder = ClassifierRecorder(
            updates, schedule, measure_at, lambda net, step: {"train_loss": net.evaluate(x, y).loss}, [10, 40]
        )
        return updates, recorder, updates.state()

    updates, recorder, state = fresh()
    if stop_at is not None:
        times = recorder.times[recorder.times <= stop_at]
        follow(state, [Leg("sgd", stop_at, updates.advance)], times, recorder.record)
        saved = {key: np.array(value) for key, value in recorder.memory().items()}
        arrays = {key: np.array(value) for key, value in state.arrays().items()}
        updates, recorder, state = fresh()
        state.restore(arrays)
        recorder.restore(saved)
    follow(state, [Leg("sgd", n_steps, updates.advance)], recorder.times, recorder.record)
    return recorder, state


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_updates_are_those_of_torch_sgd(backend, momentum):
    network, x, y = task("B", dtype=torch.float64)
    other, _, _ = task("B", dtype=torch.float64)
    order = DataOrder(len(y), 6, 3, 1)
    optimiser = torch.optim.SGD(other.module.parameters(), lr=0.05, momentum=momentum)
    for step in range(25):
        batch = torch.from_numpy(order.batch(step))
        optimiser.zero_grad(set_to_none=False)
        other.loss(other.module(x[batch]), y[batch]).backward()
        optimiser.step()
    updates = descent(backend, network, x, y, order, 0.05, momentum)
    state = updates.state()
    follow(state, [Leg("sgd", 25, updates.advance)], [], lambda state: None)
    torch.testing.assert_close(network.weights, other.weights, rtol=1e-11, atol=1e-14)
    assert np.shares_memory(state.weights, network.weights.numpy())


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_weight_decay_is_that_of_torch_sgd(momentum):
    network, x, y = task("B", dtype=torch.float64)
    other, _, _ = task("B", dtype=torch.float64)
    order = DataOrder(len(y), 6, 3, 1)
    optimiser = torch.optim.SGD(other.module.parameters(), lr=0.05, momentum=momentum, weight_decay=0.3)
    for step in range(25):
        batch = torch.from_numpy(order.batch(step))
        optimiser.zero_grad(set_to_none=False)
        other.loss(other.module(x[batch]), y[batch]).backward()
        optimiser.step()
    updates = descent("reference", network, x, y, order, 0.05, momentum, weight_decay=0.3)
    follow(updates.state(), [Leg("sgd", 25, updates.advance)], [], lambda state: None)
    torch.testing.assert_close(network.weights, other.weights, rtol=1e-11, atol=1e-14)


def test_augmented_images_are_shifted_and_mirrored_and_keyed_by_the_step():
    x = torch.arange(1.0, 1 + 40 * 2 * 5 * 6).view(40, 2, 5, 6)
    found = augmented(x, 3, 7)
    assert torch.equal(found, augmented(x, 3, 7))
    assert not torch.equal(found, augmented(x, 3, 8))
    assert found.shape == x.shape
    padded = torch.nn.functional.pad(x, [4] * 4)
    mirrored = 0
    for image, one in zip(padded, found, strict=True):
        crops = [image[:, i : i + 5, j : j + 6] for i in range(9) for j in range(9)]
        plain = any(torch.equal(one, crop) for crop in crops)
        assert plain or any(torch.equal(one.flip(2), crop) for crop in crops)
        mirrored += not plain
    # Binomial, 40 draws of 1/2: beyond 5 standard deviations one key in two million.
    assert 4 < mirrored < 36


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_the_recorder_keeps_measurements_displacements_and_weights(backend):
    recorder, state = run(backend, "B")
    assert state.step == 60
    assert np.isfinite(recorder.curves["train_loss"]).all()
    assert recorder.curves["train_loss"][-1] < recorder.curves["train_loss"][0]
    assert recorder.snapshots().shape == (2, state.weights.shape[1])
    assert recorder.last_loss == recorder.curves["train_loss"][-1]
    # The same displacements from configurations kept at every time of the schedule.
    network, x, y = task("B")
    schedule = recorder.displacement.schedule
    updates = descent(backend, network, x, y, DataOrder(len(y), 6, 3, 1), 0.05)
    everything = ClassifierRecorder(updates, schedule, [], lambda net, step: {}, schedule.times)
    follow(
        everything.descent.state(), [Leg("sgd", 60, everything.descent.advance)], everything.times, everything.record
    )
    full = displacement_of_snapshots(schedule, schedule.times, everything.snapshots())
    np.testing.assert_array_equal(recorder.displacement.table, full)


@pytest.mark.parametrize(("backend", "name"), BACKENDS)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_stopped_run_resumes_to_the_same_bits(backend, name, momentum):
    torch.set_num_threads(1)
    whole, state = run(backend, name, momentum=momentum)
    resumed, other = run(backend, name, stop_at=33, momentum=momentum)
    np.testing.assert_array_equal(other.weights, state.weights)
    np.testing.assert_array_equal(resumed.displacement.table, whole.displacement.table)
    np.testing.assert_array_equal(resumed.curves["train_loss"], whole.curves["train_loss"])
    np.testing.assert_array_equal(resumed.snapshots(), whole.snapshots())
    for key, value in whole.descent.memory().items():
        np.testing.assert_array_equal(resumed.descent.memory()[key], value)


@pytest.mark.parametrize(("backend", "name"), [("reference", "B"), ("reference", "C"), ("fused", "B")])
def test_a_diverged_network_is_reported_and_recorded_no_further(backend, name):
    recorder, state = run(backend, name, n_steps=300, rate=1e20)
    diverged_at = int(state.diverged_at[0])
    assert 0 < diverged_at <= 100
    assert not (np.abs(state.weights) < 1e10).all()  # the fused engine stops at outputs that overflow
    after = recorder.measure_at > diverged_at
    assert np.isnan(recorder.curves["train_loss"][after]).all()
    assert np.isnan(recorder.displacement.table[:, :, -1]).all()


@pytest.mark.parametrize("seconds", [0.0, 0.05, 10.0])
def test_date_of_a_divergence_does_not_depend_on_the_clock(seconds, monkeypatch):
    """A slow machine pauses more often: the date is that of the first weight that is not finite."""
    network, x, y = task("B")
    updates, clock = descent("reference", network, x, y, DataOrder(len(y), 6, 3, 1), 0.05), itertools.count()
    update = updates._update

    def spoilt(step):
        update(step)
        if step == 36:
            network.weights[5] = torch.inf

    monkeypatch.setattr(updates, "_update", spoilt)
    state = updates.state()
    follow(state, [Leg("sgd", 150, updates.advance)], [], lambda state: None, clock=lambda: seconds * next(clock))
    assert state.diverged_at.tolist() == [37]
