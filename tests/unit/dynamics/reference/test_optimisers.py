"""Momentum and Adam against torch.optim."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fused_oracle import output
from hypothesis import given, settings
from hypothesis import strategies as st
from small_task import ARCHITECTURE, PLAIN, SAMPLES, SEEDS, networks, problem

from quench.dynamics.choices import SGD, Adam, Ensemble
from quench.dynamics.reference import optimisers, sgd
from quench.numerics.random import integers

STREAM = 17
ENSEMBLE = Ensemble(SEEDS, STREAM, weight_decay=0.01)
RATE, BATCH = 0.05, 7
OPTIMISERS = [
    (SGD(RATE, BATCH, momentum=0.9), partial(torch.optim.SGD, lr=RATE, momentum=0.9)),
    (Adam(RATE, BATCH), partial(torch.optim.Adam, lr=RATE)),
    (Adam(RATE, BATCH, betas=(0.8, 0.95)), partial(torch.optim.Adam, lr=RATE, betas=(0.8, 0.95))),
]


def advance(task, dynamics, weights, first_step, n_steps, memory=None):
    """Updates of ``weights`` in place; the update at which each network diverged."""
    memory = np.zeros((len(SEEDS), dynamics.slots or 1, ARCHITECTURE.n_weights)) if memory is None else memory
    return optimisers.advance(task, dynamics, ENSEMBLE, memory, weights, first_step, n_steps)


@pytest.mark.parametrize(("dynamics", "theirs"), OPTIMISERS, ids=["momentum", "Adam", "Adam with other betas"])
@pytest.mark.parametrize("loss", ["quadratic_hinge", "mse"])
def test_trajectory_is_that_of_torch(dynamics, theirs, loss):
    """Sixty updates in float64: rounding grows with the trajectory's divergence, by far less than 1e4, from 1e-16."""
    task, weights = problem(loss), networks()
    assert advance(task, replace(dynamics, sampling="iid"), weights, 0, 60).tolist() == [-1, -1]
    for network, seed in enumerate(SEEDS):
        leaf = torch.tensor(networks()[network], requires_grad=True)
        optimiser = theirs([leaf], weight_decay=ENSEMBLE.weight_decay)
        for step in range(60):
            batch = integers(seed, STREAM, step, BATCH, SAMPLES)
            optimiser.zero_grad()
            PLAIN[loss](output(ARCHITECTURE, leaf, task.x[batch]), task.y[batch]).mean().backward()
            optimiser.step()
        np.testing.assert_allclose(weights[network], leaf.detach(), rtol=0, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 30), max_size=3), dynamics=st.sampled_from([ours for ours, _ in OPTIMISERS]))
def test_trajectory_that_is_cut_anywhere_has_the_same_bits(cuts, dynamics):
    def run(places):
        task, weights = problem("logistic"), networks()
        memory = np.zeros((len(SEEDS), dynamics.slots, ARCHITECTURE.n_weights))
        for start, stop in zip([0, *places], [*places, 30], strict=True):
            advance(task, dynamics, weights, start, stop - start, memory)
        return weights, memory

    for unbroken, pieces in zip(run([]), run(sorted(cuts)), strict=True):
        assert np.array_equal(unbroken, pieces)


def test_no_momentum_is_plain_descent():
    """beta = 0 adds nothing: w - eta v with v = force; the bits of SGD, which sees the same batches."""
    task, ours, plain = problem("quadratic_hinge"), networks(), networks()
    advance(task, SGD(RATE, BATCH), ours, 0, 30)
    sgd.advance(task, SGD(RATE, BATCH), ENSEMBLE, plain, 0, 30)
    assert np.array_equal(ours, plain)


def test_diverged_network_is_reported_and_the_others_continue():
    task, weights = problem("mse"), networks()
    weights[0] *= 1e200
    assert advance(task, SGD(RATE, BATCH, momentum=0.9), weights, 5, 10).tolist() == [6, -1]
    assert np.isfinite(weights[1]).all()
