"""The functions for notebooks: what they return is known without the code."""

import numpy as np
import pytest

import quench
from quench.errors import QuenchError


@pytest.fixture(scope="module")
def task():
    dataset = quench.prepare("mnist5k", subset=100, components=4)
    return quench.pretrain(dataset, width=4, depth=2, epochs=20, seeds=range(8)), dataset


def test_an_array_that_moves_uniformly_has_a_displacement_that_grows_as_the_square():
    velocity = np.linspace(-1, 1, 50)
    observed = quench.observe(np.arange(30.0)[:, None] * velocity, chi=10)
    np.testing.assert_allclose(
        observed["msd"].squeeze(), observed["lag"].values ** 2 * (velocity**2).mean(), rtol=1e-12
    )
    assert observed.attrs["chi"] == 10


def test_the_chosen_chi_resolves_tau90_of_free_brownian_weights():
    """Free weights reach Q = 0.9 where epsilon = 1.645 sqrt(Delta), between ten updates and the longest lag."""
    steps = np.random.default_rng(0).normal(size=(2, 400, 2000))
    observed = quench.observe(steps.cumsum(axis=1), [100])
    assert (observed["tau90"] > 10).all() and (observed["tau90"] < 300).all()
    assert quench.observe(steps.cumsum(axis=1), [100], chi=observed.attrs["chi"]).identical(observed)


def test_hot_weights_diffuse_as_the_noise_alone(task):
    """MSD(1) = 2 mu T / P_D + O(mu^2) for 8 networks of 36 weights: 6 % statistical error of a mean square, times five."""
    networks, dataset = task
    run = quench.langevin(networks, dataset, temperature=100, step_size=1e-3, waiting_times=[20], lag_max=30)
    observed = quench.observe(run, chi=1, lags=[0, 1])
    assert float(observed["msd_mean"].sel(lag=1).squeeze()) == pytest.approx(2 * 1e-3 * 100 / 100, rel=0.3)


def test_an_array_and_its_dataset_give_the_same(task):
    networks, dataset = task
    run = quench.langevin(networks, dataset, temperature=1e-3, waiting_times=[20], lag_max=30)
    of_array = quench.observe(run["weights"].values, [20], times=run["time"].values, chi=5)
    np.testing.assert_array_equal(of_array["msd"], quench.observe(run, chi=5)["msd"])


def test_cold_glass_relaxes_at_first_as_its_noise():
    """1 - C(t_w + t, t_w) = T t + O(t^2) at every waiting time: the noise moves spins before forces do."""
    solved = quench.pspin(p=3, temperature=0.5, t_max=20.0, resolution="fast")
    assert solved["waiting_time"].values.tolist() == [1, 10]
    moved = 1 - solved["correlation"].sel(lag=0.01)
    np.testing.assert_allclose(moved, 0.5 * 0.01, rtol=0.05)


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda: quench.observe(np.zeros(3)), "weights .* are needed, not 1 axes"),
        (lambda: quench.observe(np.zeros((3, 4)), times=[0, 1]), "2 times for 3 snapshots"),
        (lambda: quench.observe(np.arange(12.0).reshape(4, 3)), "no chi has a tau90"),
        (lambda: quench.pspin(t_max=5, lags=[6]), "before the latest requested time"),
        (lambda: quench.pspin(t_max=-1), "pspin: t_max"),
        (lambda: quench.pspin(p=3, terms=[(3, 0.5)]), "p or terms"),
    ],
)
def test_wrong_arguments_are_one_line(call, told):
    with pytest.raises(QuenchError, match=told):
        call()


def test_negative_temperature_is_refused(task):
    with pytest.raises(QuenchError, match="temperature must not be negative"):
        quench.langevin(*task, temperature=-1)
