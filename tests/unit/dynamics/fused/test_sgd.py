"""SGD of the fused engine: against a plain float64 loop over the same batches, and the same bits however it is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fused_oracle import case, gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics.choices import SGD, Ensemble
from quench.dynamics.fused import sgd
from quench.dynamics.fused.problem import Problem
from quench.dynamics.reference import sgd as reference_sgd
from quench.dynamics.reference.problem import Problem as ReferenceProblem
from quench.numerics.random import integers, permutation

STREAM = 5
SEEDS = np.array([3, 2**63 + 9, 12], dtype=np.uint64)
PACE = {"step_size": 1e-2, "weight_decay": 1e-2}


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes()


def run(problem, weights, batch_size, first_step=0, n_steps=20, advance=sgd.advance, seeds=SEEDS, **other):
    moved, other = weights.copy(), PACE | other
    ensemble = Ensemble(seeds[: len(weights)], STREAM, other.pop("weight_decay"))
    diverged = advance(problem, SGD(batch_size=batch_size, **other), ensemble, moved, first_step, n_steps)
    return moved, diverged


def batch(n_samples, batch_size, sampling, seed, step):
    if sampling == "iid":
        return integers(seed, STREAM, step, batch_size, n_samples)
    per_epoch = -(-n_samples // batch_size)
    epoch, place = divmod(step, per_epoch)
    return permutation(seed, STREAM, epoch, n_samples)[place * batch_size : (place + 1) * batch_size]


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(1, 9),
    depth=st.integers(1, 3),
    n_samples=st.integers(1, 40) | st.integers(280, 330),
    batch_size=st.integers(1, 20) | st.integers(100, 400),
    first_step=st.integers(0, 100),
    sampling=st.sampled_from(["epoch", "iid"]),
    scale=st.sampled_from([0.3, 1.0, 2.0]),
)
def test_float64_follows_a_plain_loop_over_the_same_batches(
    width, depth, n_samples, batch_size, first_step, sampling, scale
):
    architecture, x, y, weights = case(width, depth, n_samples, inputs=4, networks=2)
    weights *= scale
    problem = Problem(x, y, architecture, "float64")
    moved, diverged = run(problem, weights, batch_size, first_step, 8, sampling=sampling)
    assert np.array_equal(diverged, [-1, -1])
    for network in range(len(weights)):
        w = weights[network]
        for step in range(first_step, first_step + 8):
            chosen = batch(n_samples, batch_size, sampling, int(SEEDS[network]), step)
            w = w - PACE["step_size"] * (gradient(architecture, w, x[chosen], y[chosen]) + PACE["weight_decay"] * w)
        # Eight steps of size 1e-2; the rounding of a gradient of size 100 is 1e-14 of it.
        np.testing.assert_allclose(moved[network], w, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("sampling, drop_last", [("epoch", False), ("epoch", True), ("iid", False)])
def test_both_backends_follow_the_same_trajectory(sampling, drop_last):
    architecture, x, y, weights = case(30, 6, 450, networks=3)
    fused, _ = run(Problem(x, y, architecture, "float64"), weights, 100, 2, sampling=sampling, drop_last=drop_last)
    reference = ReferenceProblem(x, y, architecture, "float64")
    expected, _ = run(reference, weights, 100, 2, sampling=sampling, drop_last=drop_last, advance=reference_sgd.advance)
    assert np.abs(fused - weights).max() > 1e-4
    np.testing.assert_allclose(fused, expected, rtol=0, atol=1e-13)


def test_an_epoch_visits_every_sample_once():
    """With a learning rate so small that weights stay put, an epoch of batches adds up to the full gradient."""
    architecture, x, y, weights = case(6, 2, 120)
    problem = Problem(x, y, architecture, "float64")
    moved, _ = run(problem, weights, 40, n_steps=3, step_size=1e-9, weight_decay=0.0)
    step = (weights - moved)[0] / 1e-9
    np.testing.assert_allclose(step / 3, gradient(architecture, weights[0], x, y), rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 20), max_size=4),
    threads=st.integers(1, 3),
    precision=st.sampled_from(["float32", "float64"]),
    sampling=st.sampled_from(["epoch", "iid"]),
    batch_size=st.sampled_from([1, 30, 64, 100, 700]),
)
def test_cuts_and_threads_change_no_bit(cuts, threads, precision, sampling, batch_size):
    """Cuts in the middle of an epoch included."""
    architecture, x, y, weights = case(6, 2, 250, networks=3)
    weights[2] *= 3
    whole, _ = run(Problem(x, y, architecture, precision), weights, batch_size, sampling=sampling)
    problem = Problem(x, y, architecture, precision, threads=threads)
    pieces, stops = weights, sorted([0, *cuts, 20])
    for start, stop in itertools.pairwise(stops):
        pieces, _ = run(problem, pieces, batch_size, start, stop - start, sampling=sampling)
    assert same_bits(pieces, whole)
    alone, _ = run(problem, weights[1:2], batch_size, seeds=SEEDS[1:2], sampling=sampling)
    assert same_bits(alone[0], whole[1])


def test_it_learns():
    """Labels that one unit can tell: the loss falls to a few per cent of that of a network which says 0."""
    architecture, x, _, weights = case(16, 2, 2000)
    problem = Problem(x, np.where(x[:, 0] + x[:, 1] > 0, 1, -1), architecture)
    moved, _ = run(problem, weights, 100, n_steps=3000, weight_decay=0.0)
    assert problem.loss(moved)[0][0] < 0.03


def test_diverged_networks_are_reported_and_left_while_the_others_continue():
    architecture, x, y, weights = case(5, 2, 100, networks=3)
    problem = Problem(x, y, architecture, "float64")
    calm, _ = run(problem, weights, 30, 7, 40)
    wild = weights.copy()
    wild[0, 0] = np.inf
    # The product of three layers overflows: the first update takes it to infinity or NaN.
    wild[2] *= 1e200
    moved, diverged = run(problem, wild, 30, 7, 40)
    assert np.array_equal(diverged, [7, -1, 8])
    assert same_bits(moved[1], calm[1])
    assert same_bits(moved[0], wild[0])
    assert not np.isfinite(moved[2]).all()


def test_the_update_at_which_a_network_diverged_is_reported():
    """eta lambda = 1e31 blows weights up by 1e31 an update, to the end of float64 in about ten."""
    architecture, x, y, weights = case(5, 2, 100, networks=3)
    problem, pace = Problem(x, y, architecture, "float64"), {"weight_decay": 1e33}
    moved, diverged = run(problem, weights, 30, 7, 40, **pace)
    assert not np.isfinite(moved).all(axis=1).any()
    assert np.all((diverged > 9) & (diverged < 22))
    assert np.isfinite(run(problem, weights, 30, 7, int(diverged.min()) - 8, **pace)[0]).all()
    reference = ReferenceProblem(x, y, architecture, "float64")
    assert np.array_equal(run(reference, weights, 30, 7, 40, advance=reference_sgd.advance, **pace)[1], diverged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"momentum": 0.9}, "momentum"),
        ({"first_step": -1}, "steps"),
    ],
)
def test_momentum_and_steps_that_do_not_fit_are_refused(change, message):
    architecture, x, y, weights = case(3, 1, 10)
    with pytest.raises(ValueError, match=message):
        run(Problem(x, y, architecture), weights, 2, **change)
