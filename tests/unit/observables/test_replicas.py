"""Replicas of small networks, and their estimators against planted chances of the weights."""

import json
from dataclasses import replace

import numpy as np
import pytest
import small_task
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics import run
from quench.dynamics.annealing import Annealing
from quench.dynamics.choices import SGD, Langevin
from quench.dynamics.schedule import Schedule
from quench.dynamics.trajectory import State, follow
from quench.errors import QuenchError
from quench.estimators.isoconfigurational import correlated_weights, propensity
from quench.observables import replicas
from quench.theory import brownian

SCHEDULE = Schedule((3, 20), 40, dense=4, per_decade=6)
HOT = Langevin(0.05, 2.0)


def files():
    task = small_task.problem("quadratic_hinge")
    weights = small_task.networks()
    config = {
        "width": small_task.ARCHITECTURE.width,
        "depth": small_task.ARCHITECTURE.depth,
        "weight_decay": 0.01,
        "loss": "quadratic_hinge",
    }
    pretrained = xr.Dataset(
        {"weights": (("network", "weight"), weights)},
        {"seed": ("network", list(small_task.SEEDS)), "state": ("network", [0, 0])},
        {"kind": "pretrained", "config": json.dumps(config)},
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(small_task.SAMPLES, small_task.ARCHITECTURE.inputs))
    y = rng.choice([-1.0, 1.0], small_task.SAMPLES)
    assert task.n_samples == len(x)
    return pretrained, xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})


def made(n_replicas, schedule=SCHEDULE, dynamics=HOT, chi=3.0, **more):
    return replicas.trajectory(*files(), dynamics, schedule, chi=chi, replicas=n_replicas, **more)


def test_the_first_replica_is_the_run_itself():
    """Its weights at every snapshot, to the last bit; the others differ from it, and from each other."""
    single = run.trajectory(*files(), HOT, SCHEDULE).follow()
    kept = {}
    job = made(3)
    follow(job.state, job.legs, single["time"].values, lambda state: kept.update({state.step: state.weights.copy()}))
    for moment, weights in kept.items():
        np.testing.assert_array_equal(weights[:2], single["weights"].sel(time=moment).values)
    last = kept[60].reshape(3, 2, -1)
    assert all((last[a] != last[b]).any(axis=-1).all() for a, b in ((0, 1), (0, 2), (1, 2)))


def test_how_a_trajectory_is_cut_changes_no_bit():
    whole = made(2).follow()
    first, second = made(2), made(2)
    saved = {}

    def stop(state, _leg):
        if state.step >= 33 and not saved:
            saved.update({"state": state.arrays(), "memory": {k: v.copy() for k, v in first.recorder.memory().items()}})
            saved["state"] = {name: np.array(value) for name, value in saved["state"].items()}

    follow(first.state, first.legs, first.times, first.recorder.record, stop)
    second.state.restore(saved["state"])
    second.recorder.restore(saved["memory"])
    follow(second.state, second.legs, second.times, second.recorder.record)
    xr.testing.assert_identical(second.result(second.state), whole.drop_attrs(deep=False).assign_attrs(device="cpu"))


def test_tables_are_those_of_the_weights():
    job, kept = made(2), {}
    follow(job.state, job.legs, range(61), lambda state: kept.update({state.step: state.weights.copy()}))
    found = made(2).follow()
    epsilon = found["epsilon"].values[:, None]
    steps = {t: w.reshape(2, 2, -1) for t, w in kept.items()}
    inside = {lag: np.abs(steps[20 + lag] - steps[20]) <= epsilon for lag in range(41)}
    for lag in found["lag"].values:
        one = found.sel(lag=lag)
        np.testing.assert_array_equal(one["overlap"], inside[lag].mean(axis=(0, 2)))
        np.testing.assert_allclose(one["pair_overlap"], inside[lag].all(axis=0).mean(axis=-1))
        np.testing.assert_allclose(one["from_start"], np.square(steps[20 + lag] - steps[0]).mean(axis=(0, 2)))
        apart = np.square(steps[20 + lag][0] - steps[20 + lag][1]).mean(axis=-1)
        np.testing.assert_allclose(one["distance"], apart)
        looks = np.all([inside[look] for look in range(0, lag + 1, brownian.STRIDE)], axis=0)
        np.testing.assert_array_equal(one["persistence"], looks.mean(axis=(0, 2)))
    assert found["persistence"].values[:, -1].max() < 1, "something left"


def test_persistence_falls_and_stays_below_the_overlap():
    found = made(2).follow()
    assert (found["persistence"].diff("lag") <= 0).all()
    looks = found.sel(lag=found["lag"] % brownian.STRIDE == 0)
    assert (looks["persistence"] <= looks["overlap"]).all()


def test_a_single_replica_has_no_distance_but_a_persistence():
    found = made(1).follow()
    assert np.isnan(found["distance"]).all() and np.isnan(found["chi4"]).all() and np.isnan(found["pair_overlap"]).all()
    xr.testing.assert_equal(found["overlap"][:, 0], xr.ones_like(found["overlap"][:, 0]))


def test_a_diverged_network_has_no_numbers():
    recorder = replicas.Replicas(0, np.array([0, 5]), np.ones(2), 2, np.ones(3, dtype=bool))
    weights = np.zeros((4, 3))
    recorder.record(State(weights))
    weights[3] = np.nan  # network 1 of replica 1
    recorder.record(State(weights, step=5))
    for values in recorder.tables.values():
        assert np.isnan(values[1, 1])
    assert recorder.tables["overlap"][0, 1] == 1


@pytest.mark.parametrize(
    "dynamics", [SGD(0.1, 5), Langevin(0.1, 0.0), replace(HOT, anneal=Annealing(end=2.0, start=4.0, updates=20))]
)
def test_dynamics_without_one_noise_are_refused(dynamics):
    with pytest.raises(QuenchError, match="Langevin dynamics at one temperature above 0"):
        made(2, dynamics=dynamics)


# Estimators.


def planted(chance, n_replicas, n_networks=400):
    """Weights that stay with the ``chance`` (weight) of their own, bool (replica, network, weight)."""
    generator = np.random.Generator(np.random.Philox(4))
    return generator.random((n_replicas, n_networks, len(chance))) < chance


def measured(inside):
    found = inside.mean(axis=(0, 2)), replicas.pair_overlap(inside), replicas.susceptibility(inside)
    return [xr.DataArray(values, dims="network") for values in found]


def test_equal_weights_of_independent_noise_owe_nothing_to_the_start():
    """P = 0 and n_c = 1 within five standard errors over 400 networks."""
    overlap, pair, chi4 = measured(planted(np.full(200, 0.7), 4))
    for values, expected in ((propensity(overlap, pair), 0), (correlated_weights(overlap, pair, chi4), 1)):
        assert abs(values.mean() - expected) < 5 * values.std() / 20


def test_the_propensity_is_that_of_planted_chances():
    """P = Var(p)/(Q - Q^2), whatever the noise does; the weights are still independent."""
    chance = np.linspace(0, 1, 200)
    overlap, pair, chi4 = measured(planted(chance, 4))
    expected = chance.var() / (chance.mean() - chance.mean() ** 2)
    share, count = propensity(overlap, pair), correlated_weights(overlap, pair, chi4)
    # Q^2 of four replicas is too large by Var(Q), 1e-4 of P here.
    assert abs(share.mean() - expected) < 5 * share.std() / 20 + 1e-3
    assert abs(count.mean() - 1) < 5 * count.std() / 20


@pytest.mark.parametrize("group", [2, 10, 50])
def test_weights_that_move_in_groups_count_as_one(group):
    """Groups of ``group`` weights under one common chance: n_c is their size."""
    inside = np.repeat(planted(np.full(2000 // group, 0.7), 4), group, axis=-1)
    overlap, pair, chi4 = measured(inside)
    found = correlated_weights(overlap, pair, chi4)
    assert abs(found.mean() - group) < 5 * found.std() / 20


def test_two_groups_under_a_common_shift():
    """One of two halves stays when the other leaves, with chance 1/2: q is 1/2 always, so that chi4 and n_c are 0."""
    half = planted(np.full(1, 0.5), 4)
    inside = np.concatenate([np.repeat(half, 50, axis=-1), np.repeat(~half, 50, axis=-1)], axis=-1)
    overlap, pair, chi4 = measured(inside)
    assert np.nanmax(np.abs(correlated_weights(overlap, pair, chi4))) < 1e-12


def test_what_the_start_decides_has_a_propensity_of_one():
    inside = np.broadcast_to(np.arange(100) < 70, (4, 3, 100))
    overlap, pair, chi4 = measured(inside)
    np.testing.assert_allclose(propensity(overlap, pair), 1)
    assert np.isnan(correlated_weights(overlap, pair, chi4)).all(), "nothing is left to chance"


@given(st.integers(2, 6), st.integers(0, 2**32))
def test_the_pair_overlap_is_the_mean_over_pairs(n_replicas, seed):
    inside = np.random.default_rng(seed).random((n_replicas, 2, 7)) < 0.6
    pairs = [(a, b) for a in range(n_replicas) for b in range(a)]
    expected = np.mean([(inside[a] & inside[b]).mean(axis=-1) for a, b in pairs], axis=0)
    np.testing.assert_allclose(replicas.pair_overlap(inside), expected)
    apart = np.mean([np.square(1.0 * inside[a] - inside[b]).mean(axis=-1) for a, b in pairs], axis=0)
    np.testing.assert_allclose(replicas.distance(inside.astype(float)), apart)


def test_free_walks():
    """Recorded Gaussian walks of 2 x 30,000 weights: distance 4 D t, overlap and persistence of the closed forms, P = 0.

    Five standard errors of a share, sqrt(p (1 - p)/60,000) <= 0.002. Steps between looks of a sixth of epsilon: the wall
    of the persistence is off by the order of (1/6)^2/10 of epsilon, 0.003 in P.
    """
    step, epsilon, n_weights = 0.01, 0.134, 30_000
    diffusion, lags = step**2 / 2, np.array([0, 20, 50, 100, 200, 500])
    recorder = replicas.Replicas(10, lags, np.array([epsilon]), 2, np.ones(n_weights, dtype=bool))
    generator, weights = np.random.Generator(np.random.Philox(7)), np.zeros((2, n_weights))
    for moment in range(511):
        recorder.record(State(weights, step=moment))
        weights += step * generator.standard_normal(weights.shape)
    table = {name: xr.DataArray(values[0], dims="lag") for name, values in recorder.tables.items()}
    np.testing.assert_allclose(table["overlap"], brownian.overlap(lags, epsilon, diffusion), atol=0.01)
    expected = brownian.persistence(lags, epsilon, diffusion, brownian.STRIDE)
    np.testing.assert_allclose(table["persistence"], expected, atol=0.013)
    assert np.abs(brownian.persistence(lags, epsilon, diffusion, 0) - expected).max() > 0.04, "the correction is seen"
    # Mean squares of 30,000 weights: relative error sqrt(2/30,000) = 0.008.
    np.testing.assert_allclose(table["distance"][1:], 4 * diffusion * (10 + lags[1:]), rtol=0.05)
    np.testing.assert_allclose(2 * table["from_start"][1:], table["distance"][1:], rtol=0.05)
    # <p_i^2> from one pair of replicas: standard error 1/sqrt(30,000) of P.
    assert abs(propensity(table["overlap"], table["pair_overlap"])[2:]).max() < 5 / np.sqrt(n_weights)


def test_a_drift_without_noise_is_decided_by_the_start():
    recorder = replicas.Replicas(0, np.array([0, 10]), np.ones(1), 3, np.ones(100, dtype=bool))
    drift = np.tile(np.linspace(0, 2, 100), (3, 1))
    for moment in (0, 5, 10):
        recorder.record(State(drift * moment / 10, step=moment))
    overlap, pair = (xr.DataArray(recorder.tables[name]) for name in ("overlap", "pair_overlap"))
    assert float(propensity(overlap, pair)[0, 1]) == pytest.approx(1)
    assert recorder.tables["persistence"][0, 1] == recorder.tables["overlap"][0, 1] == 0.5
    assert recorder.tables["distance"][0, 1] < 1e-30
