"""Losses against automatic differentiation, momentum and Adam against torch.optim, annealing against an exact variance."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quench.cli.dynamics import langevin

from quench.dynamics.annealing import Annealing
from quench.dynamics.reference import optimisers, sgd
from quench.dynamics.reference.losses import LOSSES as KINDS
from quench.dynamics.reference.optimisers import Adam, Momentum
from quench.dynamics.reference.problem import Problem
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import integers
from quench.provenance.steps import LOSSES

ARCHITECTURE = Architecture(inputs=4, width=5, depth=2)
SAMPLES = 40
SEEDS = np.array([3, 8])
STREAM = 17

# The losses as a reader would write them, from torch's own functions.
PLAIN = {
    "quadratic_hinge": lambda f, y: torch.relu(1 - y * f).square() / 2,
    "logistic": lambda f, y: torch.nn.functional.binary_cross_entropy_with_logits(f, (y + 1) / 2, reduction="none"),
    "mse": lambda f, y: torch.nn.functional.mse_loss(f, y, reduction="none") / 2,
}


def problem(loss, scale=1.0):
    rng = np.random.default_rng(0)
    x = scale * rng.normal(size=(SAMPLES, ARCHITECTURE.inputs))
    y = rng.normal(size=SAMPLES) if loss == "mse" else rng.choice([-1.0, 1.0], SAMPLES)
    return Problem(x, y, ARCHITECTURE, precision="float64", loss=loss)


def networks():
    return 2 * np.stack([initial_weights(ARCHITECTURE, int(seed)) for seed in SEEDS])


def outputs(flat, x):
    """The network by plain torch operations on one flat vector of weights."""
    signal, start = x, 0
    for index, (rows, columns) in enumerate(ARCHITECTURE.shapes):
        layer = flat[start : start + rows * columns].view(rows, columns)
        start += rows * columns
        signal = signal @ layer.T
        signal = torch.relu(signal) if index < len(ARCHITECTURE.shapes) - 1 else signal
    return signal[:, 0]


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradient_are_those_of_automatic_differentiation(loss, scale):
    """Forty samples through three layers round a few hundred times: 1e-12 of the largest component leaves room."""
    task, weights = problem(loss, scale), networks()
    value, _ = task.loss(weights)
    gradient = task.gradient(weights)
    for network, flat in enumerate(weights):
        leaf = torch.tensor(flat, requires_grad=True)
        plain = PLAIN[loss](outputs(leaf, task.x), task.y).mean()
        plain.backward()
        assert value[network] == pytest.approx(plain.item(), rel=1e-12)
        np.testing.assert_allclose(gradient[network], leaf.grad, rtol=0, atol=1e-12 * float(leaf.grad.abs().max()))


@given(f=st.floats(-1e6, 1e6), sign=st.sampled_from([-1.0, 1.0]))
def test_logistic_loss_is_finite_and_convex_however_large_the_margin(f, sign):
    loss = KINDS["logistic"]
    output, label = torch.tensor(f, dtype=torch.float64), torch.tensor(sign, dtype=torch.float64)
    value, slope = float(loss.value(output, label)), float(loss.slope(output, label))
    # log(1 + exp(-m)) lies between max(0, -m) and that plus log 2; its slope in m between -1 and 0.
    assert max(0, -sign * f) <= value <= max(0, -sign * f) + np.log(2) + 1e-9
    assert 0 <= -slope * sign <= 1


def test_mean_squares_take_any_numbers_and_the_others_signs_only():
    x = np.ones((3, ARCHITECTURE.inputs))
    Problem(x, np.array([0.5, -2.0, 7.0]), ARCHITECTURE, loss="mse")
    for loss in ("quadratic_hinge", "logistic"):
        with pytest.raises(ValueError, match="-1 or \\+1"):
            Problem(x, np.array([0.5, -2.0, 7.0]), ARCHITECTURE, loss=loss)
    with pytest.raises(ValueError, match="not finite"):
        Problem(x, np.array([0.5, np.nan, 7.0]), ARCHITECTURE, loss="mse")


RULES = [
    (Momentum(0.9), lambda weights, decay: torch.optim.SGD([weights], lr=0.05, momentum=0.9, weight_decay=decay)),
    (Adam(), lambda weights, decay: torch.optim.Adam([weights], lr=0.05, weight_decay=decay)),
    (
        Adam(0.8, 0.95),
        lambda weights, decay: torch.optim.Adam([weights], lr=0.05, betas=(0.8, 0.95), weight_decay=decay),
    ),
]
WHERE = {"seeds": SEEDS, "stream": STREAM, "batch_size": 7, "learning_rate": 0.05, "weight_decay": 0.01}


@pytest.mark.parametrize(("rule", "theirs"), RULES, ids=["momentum", "Adam", "Adam with other betas"])
@pytest.mark.parametrize("loss", ["quadratic_hinge", "mse"])
def test_trajectory_is_that_of_torch(rule, theirs, loss):
    """Sixty updates in float64: rounding grows with the trajectory's divergence, by far less than 1e4, from 1e-16."""
    task, weights = problem(loss), networks()
    memory = np.zeros((len(SEEDS), rule.slots, ARCHITECTURE.n_weights))
    options = WHERE | {"sampling": "iid"}
    lost = optimisers.advance(task, weights, memory, rule, first_step=0, n_steps=60, **options)
    assert lost.tolist() == [-1, -1]
    for network, seed in enumerate(SEEDS):
        leaf = torch.tensor(networks()[network], requires_grad=True)
        optimiser = theirs(leaf, WHERE["weight_decay"])
        for step in range(60):
            batch = integers(int(seed), STREAM, step, WHERE["batch_size"], SAMPLES)
            optimiser.zero_grad()
            PLAIN[loss](outputs(leaf, task.x[batch]), task.y[batch]).mean().backward()
            optimiser.step()
        np.testing.assert_allclose(weights[network], leaf.detach(), rtol=0, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 30), max_size=3), which=st.sampled_from([rule for rule, _ in RULES]))
def test_trajectory_that_is_cut_anywhere_has_the_same_bits(cuts, which):
    def run(places):
        task, weights = problem("logistic"), networks()
        memory = np.zeros((len(SEEDS), which.slots, ARCHITECTURE.n_weights))
        for start, stop in zip([0, *places], [*places, 30], strict=True):
            optimisers.advance(task, weights, memory, which, first_step=start, n_steps=stop - start, **WHERE)
        return weights, memory

    for whole, pieces in zip(run([]), run(sorted(cuts)), strict=True):
        assert np.array_equal(whole, pieces)


def test_no_momentum_is_plain_descent():
    """beta = 0 adds nothing: w - eta v with v = force; the bits of SGD, which sees the same batches."""
    task, ours, plain = problem("quadratic_hinge"), networks(), networks()
    memory = np.zeros((len(SEEDS), 1, ARCHITECTURE.n_weights))
    optimisers.advance(task, ours, memory, Momentum(0.0), first_step=0, n_steps=30, **WHERE)
    sgd.advance(task, plain, first_step=0, n_steps=30, **WHERE)
    assert np.array_equal(ours, plain)


def test_lost_network_is_told_and_stays_while_the_others_go_on():
    task, weights = problem("mse"), networks()
    weights[0] *= 1e200
    memory = np.zeros((len(SEEDS), 1, ARCHITECTURE.n_weights))
    lost = optimisers.advance(task, weights, memory, Momentum(0.9), first_step=5, n_steps=10, **WHERE)
    assert lost.tolist() == [6, -1] and np.isfinite(weights[1]).all()


@given(
    start=st.floats(1e-6, 10),
    end=st.floats(1e-6, 10),
    updates=st.integers(1, 50),
    form=st.sampled_from(["linear", "exponential"]),
    cuts=st.lists(st.integers(0, 80), max_size=3),
)
def test_annealing_runs_from_start_to_end_however_it_is_cut(start, end, updates, form, cuts):
    schedule = Annealing(start, end, updates, form)
    at = np.array([schedule.temperature(step) for step in range(80)])
    assert at[0] == pytest.approx(start) and (at[updates:] == end).all()
    steps = np.diff(at[: updates + 1]) if form == "linear" else np.diff(np.log(at[: updates + 1]))
    np.testing.assert_allclose(steps, steps[0] if len(steps) else 0, atol=1e-9)
    places = sorted(cuts)
    seen = [
        stretch
        for first, last in zip([0, *places], [*places, 80], strict=True)
        for stretch in schedule.stretches(first, last - first)
    ]
    spread = [(step, temperature) for first, count, temperature in seen for step in range(first, first + count)]
    assert spread == list(enumerate(at.tolist()))


def test_exponential_annealing_does_not_reach_zero():
    with pytest.raises(ValueError, match="T = 0"):
        Annealing(0.1, 0.0, 10, "exponential")
    assert Annealing(0.1, 0.0, 10).temperature(9) == pytest.approx(0.01)


@pytest.mark.parametrize("backend", ["reference", "fused"])
@pytest.mark.parametrize("form", ["linear", "exponential"])
def test_annealed_weights_in_a_harmonic_well_have_the_exact_variance(backend, form):
    """Without data (x = 0) the loss has no gradient and each weight is an Ornstein-Uhlenbeck process in the well
    lambda w^2 / 2: V <- (1 - mu lambda)^2 V + 2 mu T_k / P, exactly. 1,740 weights give V within 5 sqrt(2 / 1740)."""
    architecture = Architecture(inputs=4, width=12, depth=3)
    x, y = np.zeros((2, 4)), np.array([-1.0, 1.0])
    if backend == "reference":
        task = Problem(x, y, architecture, precision="float64")
    else:
        from quench.dynamics.fused.problem import Problem as Fused

        task = Fused(x, y, architecture, precision="float64")
    step_size, decay, annealing = 0.05, 2.0, Annealing(1.0, 0.01, 40, form)
    seeds = np.arange(5)
    weights = np.zeros((5, architecture.n_weights))
    advance = langevin(task, backend, 0.01, annealing, step_size, {"seeds": seeds, "weight_decay": decay})
    variance, step = 0.0, 0
    for until in (5, 20, 40, 45, 150):
        assert (advance(weights, step, until - step) == -1).all()
        for k in range(step, until):
            variance = (1 - step_size * decay) ** 2 * variance + 2 * step_size * annealing.temperature(k) / 2
        step = until
        assert weights.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / weights.size))
