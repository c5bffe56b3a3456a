"""SGD of one classifier: data order, the update rule, what is kept, going on after a stop, and lost networks."""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from quench.dynamics.drift import beside_gradient_descent
from quench.dynamics.minibatch import DataOrder, Descent, Record
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


def run(name, n_steps=60, stop_at=None, momentum=0.0, rate=0.05, sampling="epoch"):
    """A whole run; with ``stop_at``, cut there and continued from plain arrays in a new network."""
    schedule = TwoTimeSchedule(n_steps, windows=2)

    def fresh():
        network, x, y = task(name)
        descent = Descent(network, x, y, DataOrder(len(y), 6, 3, sampling), rate, momentum)
        record = Record(descent, schedule, [0, 5, 30, n_steps], lambda net, step: net.evaluate(x, y).__dict__, [10, 40])
        record.measure = lambda net, step: {"train_loss": net.evaluate(x, y).loss}
        return descent, record, descent.state()

    descent, record, state = fresh()
    if stop_at is not None:
        times = record.times[record.times <= stop_at]
        follow(state, [Leg("sgd", stop_at, descent.advance)], times, record.record)
        saved = {key: np.array(value) for key, value in record.memory().items()}
        weights, step, looks = state.weights.copy(), state.step, state.recorded
        descent, record, state = fresh()
        state.weights[...] = weights
        state.step, state.recorded = step, looks
        record.restore(saved)
    follow(state, [Leg("sgd", n_steps, descent.advance)], record.times, record.record)
    return record, state


def test_epochs_visit_every_sample_once():
    order = DataOrder(n_samples=23, batch_size=5, seed=1)
    for epoch in range(3):
        batches = [order.batch(step) for step in range(5 * epoch, 5 * epoch + 5)]
        assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
        assert sorted(torch.cat(batches).tolist()) == list(range(23))
    assert order.batch(0).tolist() != order.batch(5).tolist()


def test_independent_draws_are_uniform():
    order = DataOrder(n_samples=7, batch_size=3, seed=1, sampling="iid")
    drawn = torch.cat([order.batch(step) for step in range(3000)])
    counts = Counter(drawn.tolist())
    assert stats.chisquare([counts[i] for i in range(7)]).pvalue > 1e-4


def test_data_order_depends_on_seed_and_step_alone():
    for sampling in ("epoch", "iid"):
        order, other = DataOrder(50, 4, 9, sampling), DataOrder(50, 4, 9, sampling)
        forward = [order.batch(step).tolist() for step in range(200)]
        assert [other.batch(step).tolist() for step in reversed(range(200))] == forward[::-1]
        assert DataOrder(50, 4, 10, sampling).batch(3).tolist() != forward[3]


def test_mistaken_orders_are_refused():
    with pytest.raises(ValueError, match="sampling must be"):
        DataOrder(5, 2, 0, "random")
    with pytest.raises(ValueError, match="more than the 5 samples"):
        DataOrder(5, 6, 0)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_updates_are_those_of_torch_sgd(momentum):
    network, x, y = task("B", dtype=torch.float64)
    other, _, _ = task("B", dtype=torch.float64)
    order = DataOrder(len(y), 6, 3)
    optimiser = torch.optim.SGD(other.module.parameters(), lr=0.05, momentum=momentum)
    for step in range(25):
        batch = order.batch(step)
        optimiser.zero_grad(set_to_none=False)
        other.loss(other.module(x[batch]), y[batch]).backward()
        optimiser.step()
    descent = Descent(network, x, y, order, 0.05, momentum)
    state = descent.state()
    follow(state, [Leg("sgd", 25, descent.advance)], [], lambda state: None)
    torch.testing.assert_close(network.weights, other.weights, rtol=1e-11, atol=1e-14)
    assert np.shares_memory(state.weights, network.weights.numpy())


def test_a_run_keeps_what_was_asked_for():
    record, state = run("B")
    assert state.step == 60
    assert np.isfinite(record.curves["train_loss"]).all()
    assert record.curves["train_loss"][-1] < record.curves["train_loss"][0]
    assert record.snapshots().shape == (2, state.weights.shape[1])
    assert record.last_loss == record.curves["train_loss"][-1]
    # The same displacements from configurations kept at every time of the schedule.
    network, x, y = task("B")
    schedule = record.displacement.schedule
    everything = Record(
        Descent(network, x, y, DataOrder(len(y), 6, 3), 0.05), schedule, [], lambda net, step: {}, schedule.times
    )
    follow(
        everything.descent.state(), [Leg("sgd", 60, everything.descent.advance)], everything.times, everything.record
    )
    full = displacement_of_snapshots(schedule, schedule.times, everything.snapshots())
    np.testing.assert_array_equal(record.displacement.table, full)


@pytest.mark.parametrize("name", ["B", "C", "D"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_stopped_run_goes_on_to_the_same_bits(name, momentum):
    torch.set_num_threads(1)
    whole, state = run(name, momentum=momentum)
    resumed, other = run(name, stop_at=33, momentum=momentum)
    np.testing.assert_array_equal(other.weights, state.weights)
    np.testing.assert_array_equal(resumed.displacement.table, whole.displacement.table)
    np.testing.assert_array_equal(resumed.curves["train_loss"], whole.curves["train_loss"])
    np.testing.assert_array_equal(resumed.snapshots(), whole.snapshots())
    for key, value in whole.descent.memory().items():
        np.testing.assert_array_equal(resumed.descent.memory()[key], value)


@pytest.mark.parametrize("name", ["B", "C"])
def test_a_lost_network_is_reported_and_measured_no_further(name):
    record, state = run(name, n_steps=300, rate=1e20)
    lost = int(state.diverged_at[0])
    assert 0 < lost <= 100  # looked for at every look and every 100 updates
    assert not np.isfinite(state.weights).all()
    after = record.measure_at > lost
    assert np.isnan(record.curves["train_loss"][after]).all()
    assert np.isnan(record.displacement.table[:, :, -1]).all()


def test_without_noise_sgd_and_gradient_descent_are_one():
    network, x, y = task("B", dtype=torch.float64)
    order = DataOrder(len(y), len(y), 0)  # every batch is the whole set, in another order
    found = beside_gradient_descent(network, x, y, order, 0.05, start=0, lags=[1, 5, 20])
    np.testing.assert_allclose(found["sgd"], found["gradient_descent"], rtol=1e-9)
    np.testing.assert_allclose(found["cosine"], 1, rtol=1e-9)


def test_gradient_descent_is_told_from_noise():
    network, x, y = task("B", dtype=torch.float64)
    start = network.weights.clone()
    order = DataOrder(len(y), 1, 0, "iid")
    found = beside_gradient_descent(network, x, y, order, 1e-4, start=0, lags=[1, 3])
    network.weights.copy_(start)
    gradient = network.full_gradient(x, y)
    # One small step: the displacement is rate times the gradient.
    expected = (1e-4 * gradient).square().mean().item()
    assert found["gradient_descent"][0] == pytest.approx(expected, rel=1e-9)
    assert found["sgd"][0] > found["gradient_descent"][0]
    assert found["cosine"][0] < 0.99
    batch_norm, x, y = task("D")
    with pytest.raises(ValueError, match="batch normalisation"):
        beside_gradient_descent(batch_norm, x, y, DataOrder(len(y), 5, 0), 0.1, 0, [1])
