"""Langevin dynamics of the fused engine: against a plain float64 loop, free diffusion, divergence, the same bits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fused_oracle import case, gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics import descent
from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.fused import langevin
from quench.dynamics.fused.problem import Problem
from quench.dynamics.reference import langevin as reference_langevin
from quench.dynamics.reference.problem import Problem as ReferenceProblem
from quench.networks.mlp import Architecture
from quench.numerics.random import normals
from quench.provenance.fingerprint import dependencies

STREAM = 77
SEEDS = np.array([3, 2**64 - 1, 12, 5], dtype=np.uint64)
PACE = {"step_size": 1e-2, "temperature": 0.05, "weight_decay": 1e-2}


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes()


def run(problem, weights, first_step=0, n_steps=20, advance=langevin.advance, seeds=SEEDS, **pace):
    moved, pace = weights.copy(), PACE | pace
    ensemble = Ensemble(seeds[: len(weights)], STREAM, pace.pop("weight_decay"))
    diverged = advance(problem, Langevin(**pace), ensemble, moved, first_step, n_steps)
    return moved, diverged


@pytest.mark.parametrize("temperature", [0.0, 0.05])
def test_float64_follows_a_plain_loop(temperature):
    architecture, x, y, weights = case(7, 2, 300, networks=2)
    moved, diverged = run(Problem(x, y, architecture, "float64"), weights, 1000, 15, temperature=temperature)
    mu, decay = PACE["step_size"], PACE["weight_decay"]
    for network in range(len(weights)):
        w = weights[network]
        for step in range(1000, 1015):
            w = w - mu * (gradient(architecture, w, x, y) + decay * w)
            w = w + np.sqrt(2 * mu * temperature / len(x)) * normals(int(SEEDS[network]), STREAM, step, w.size)
        # A trajectory of 15 steps of size 1e-2 does not amplify the rounding of a sum of 300 terms beyond 1e-12.
        np.testing.assert_allclose(moved[network], w, rtol=1e-12, atol=1e-13)
    assert diverged.dtype == np.int64
    assert np.array_equal(diverged, [-1, -1])


def test_both_backends_follow_the_same_trajectory():
    architecture, x, y, weights = case(30, 6, 500, networks=3)
    fused, _ = run(Problem(x, y, architecture, "float64"), weights)
    reference, _ = run(ReferenceProblem(x, y, architecture, "float64"), weights, advance=reference_langevin.advance)
    assert np.abs(fused - weights).max() > 1e-4
    np.testing.assert_allclose(fused, reference, rtol=0, atol=1e-13)


def test_at_temperature_zero_it_is_full_batch_descent_to_the_bit():
    architecture, x, y, weights = case(9, 3, 400, networks=3)
    problem = Problem(x, y, architecture)
    moved, _ = run(problem, weights, temperature=0.0)
    expected = weights.copy()
    descent.advance(problem, PACE["step_size"], PACE["weight_decay"], expected, 0, 20)
    assert same_bits(moved, expected)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 20), max_size=4),
    threads=st.integers(1, 4),
    precision=st.sampled_from(["float32", "float64"]),
    networks=st.permutations(range(4)),
)
def test_cuts_threads_and_company_change_no_bit(cuts, threads, precision, networks):
    """Any split of the steps into calls, any number of threads, any order and grouping of the networks."""
    architecture, x, y, weights = case(6, 2, 300, networks=4)
    weights[2] *= 3
    whole, _ = run(Problem(x, y, architecture, precision), weights)
    problem = Problem(x, y, architecture, precision, threads=threads)
    pieces, stops = weights[networks], sorted([0, *cuts, 20])
    for start, stop in itertools.pairwise(stops):
        pieces, _ = run(problem, pieces, start, stop - start, seeds=SEEDS[networks])
    assert same_bits(pieces, whole[networks])
    alone, _ = run(problem, weights[1:2], seeds=SEEDS[1:2])
    assert same_bits(alone[0], whole[1])


def test_a_second_run_in_the_same_memory_gives_the_same_bits():
    architecture, x, y, weights = case(30, 6, 1000, networks=2)
    problem = Problem(x, y, architecture)
    first, _ = run(problem, weights)
    run(problem, -weights)
    assert same_bits(run(problem, weights)[0], first)


@pytest.mark.parametrize("temperature_at_60000_samples", [1e-8, 1e-10])
def test_free_diffusion_is_seen_by_float64_weights_only(temperature_at_60000_samples):
    """No sample is active, so weights are free: MSD = 2 D t with D = mu T / P_D (KWJ Sec. III).

    At mu = 1e-3 a step of the noise is 1.8e-8 and 1.8e-9. The mean of N independent squares of normals has a relative
    standard error sqrt(2/N); four of them are allowed.
    """
    architecture = Architecture(1, 2000, 1)
    n_samples, n_steps, networks = 64, 100, 3
    temperature = temperature_at_60000_samples * n_samples / 60_000
    # f = 4500 for x = 1: far beyond the margin.
    weights = np.full((networks, architecture.n_weights), 1.5)
    problem = Problem(np.ones((n_samples, 1)), np.ones(n_samples), architecture)
    free = {"step_size": 1e-3, "temperature": temperature, "weight_decay": 0.0}
    moved, _ = run(problem, weights, n_steps=n_steps, **free)
    expected = 2 * (1e-3 * temperature / n_samples) * n_steps
    allowed = 4 * np.sqrt(2 / weights.size)
    assert allowed < 0.06
    assert np.mean((moved - weights) ** 2) / expected == pytest.approx(1, abs=allowed)

    # What float32 weights, which can move by 1.2e-7 at 1.5, would have made of the same noise.
    amplitude = np.sqrt(2e-3 * temperature / n_samples)
    single = weights.astype(np.float32)
    for network in range(networks):
        for step in range(n_steps):
            noise = amplitude * normals(int(SEEDS[network]), STREAM, step, weights.shape[1])
            single[network] += noise.astype(np.float32)
    ratio = np.mean((single.astype(float) - weights.astype(np.float32)) ** 2) / expected
    assert abs(ratio - 1) > 5 * allowed


def test_diverged_networks_are_reported_and_left_while_the_others_continue():
    architecture, x, y, weights = case(5, 2, 100, networks=4)
    problem = Problem(x, y, architecture, "float64")
    calm, diverged = run(problem, weights, 50, 40)
    assert np.array_equal(diverged, [-1] * 4)
    wild = weights.copy()
    wild[1, 7] = np.nan
    # The product of three layers overflows: the first update takes it to infinity or NaN.
    wild[3] *= 1e200
    moved, diverged = run(problem, wild, 50, 40)
    assert np.array_equal(diverged, [-1, 50, -1, 51])
    assert same_bits(moved[[0, 2]], calm[[0, 2]])
    assert same_bits(moved[1], wild[1])
    assert not np.isfinite(moved[3]).all()
    # Once diverged they are not touched again.
    later, again = run(problem, moved, 90, 10)
    assert same_bits(later[[1, 3]], moved[[1, 3]])
    assert np.array_equal(again, [-1, 90, -1, 90])


def test_the_update_at_which_a_network_diverged_is_reported():
    """mu lambda = 1e31 blows weights up by 1e31 an update, to the end of float64 in about ten."""
    architecture, x, y, weights = case(5, 2, 100, networks=4)
    problem, pace = Problem(x, y, architecture, "float64"), {"step_size": 1e-2, "weight_decay": 1e33}
    moved, diverged = run(problem, weights, 50, 40, **pace)
    assert not np.isfinite(moved).all(axis=1).any()
    assert np.all((diverged > 52) & (diverged < 65))
    before, _ = run(problem, weights, 50, int(diverged.min()) - 51, **pace)
    assert np.isfinite(before).all()
    # The same verdict as the reference backend.
    reference = ReferenceProblem(x, y, architecture, "float64")
    assert np.array_equal(run(reference, weights, 50, 40, advance=reference_langevin.advance, **pace)[1], diverged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [1, 2]}, "one seed"),
        ({"first_step": -1}, "steps"),
        ({"n_steps": -1}, "steps"),
    ],
)
def test_seeds_and_steps_that_do_not_fit_are_refused(change, message):
    architecture, x, y, weights = case(3, 1, 10)
    chosen = {"seeds": [1], "first_step": 0, "n_steps": 1} | change
    ensemble = Ensemble(chosen.pop("seeds"), STREAM, 0.0)
    with pytest.raises(ValueError, match=message):
        langevin.advance(Problem(x, y, architecture), Langevin(0.1, 0.1), ensemble, weights, **chosen)


@pytest.mark.parametrize("spoil", [lambda w: w.astype(np.float32), np.asfortranarray, lambda w: w[:, ::2]])
def test_weights_that_cannot_be_updated_in_place_are_refused(spoil):
    architecture, x, y, weights = case(4, 1, 10, networks=2)
    with pytest.raises(ValueError, match="weights must be"):
        langevin.advance(
            Problem(x, y, architecture), Langevin(0.1, 0.1), Ensemble(SEEDS[:2], 1, 0.0), spoil(weights), 0, 1
        )


def test_editing_one_dynamics_leaves_the_results_of_the_other_fresh():
    kernel = {
        "quench.dynamics.fused.gradient",
        "quench.dynamics.fused.microkernels",
        "quench.numerics.random",
        "quench.numerics.compiled",
    }
    for mine, other in (("langevin", "sgd"), ("sgd", "langevin")):
        found = dependencies(f"quench.dynamics.fused.{mine}")
        assert kernel <= found
        assert f"quench.dynamics.fused.{other}" not in found
