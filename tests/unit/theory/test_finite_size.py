"""The finite-N simulation against brute force, exact averages over sphere and couplings, and the N -> infinity equations.

The limit (Cugliandolo-Kurchan equations, p = 3, T = 0.5, quench from infinite temperature) is known to nine digits:
E(1) = -0.5869931306 and C(t_w = 1, lag 1) = 0.728582056; X = 2 T chi/Delta after t_w = 1 to three.
"""

import itertools

import numpy as np
import pytest

from quench.errors import QuenchError
from quench.store import contracts
from quench.theory import finite_size as fs

ENERGY, CORRELATION = -0.5869931306, 0.728582056
RATIO = {0.2: 0.967, 0.5: 0.922, 1.0: 0.864, 2.0: 0.795, 5.0: 0.725, 10.0: 0.697, 20.0: 0.685}


def random_sphere(n_spins, replicas, seed):
    spins = np.random.default_rng(seed).standard_normal((n_spins, replicas))
    return spins * np.sqrt(n_spins / np.sum(spins**2, axis=0))


def points(couplings, seed, temperature, step, replicas, n):
    return list(itertools.islice(fs.trajectory(couplings, seed, temperature, step, replicas), n + 1))


def test_force_is_the_sum_over_triples():
    couplings, spins = fs.draw_couplings(8, seed=5), random_sphere(8, 3, 0)
    expected = np.zeros_like(spins)
    energy = np.zeros(3)
    for i, j, k in itertools.combinations(range(8), 3):
        coupling = float(couplings[i][j - i - 1, k - i - 1])
        expected[i] += coupling * spins[j] * spins[k]
        expected[j] += coupling * spins[i] * spins[k]
        expected[k] += coupling * spins[i] * spins[j]
        energy -= coupling * spins[i] * spins[j] * spins[k]
    drive = fs.force(couplings, spins)
    # Single precision: seven digits of sums of 21 terms.
    np.testing.assert_allclose(drive, expected, rtol=0, atol=21 * 6e-8 * np.abs(expected).max())
    np.testing.assert_allclose(-np.sum(spins * drive, axis=0) / 3, energy, rtol=0, atol=1e-5)


def test_couplings_are_symmetric_with_variance_three_over_n_squared():
    couplings = fs.draw_couplings(60, seed=1)
    drawn = np.concatenate([m[np.triu_indices(len(m), 1)] for m in couplings])
    assert drawn.size == 60 * 59 * 58 // 6
    assert all(np.array_equal(m, m.T) and not m.diagonal().any() for m in couplings)
    # Relative error of a Gaussian's variance from n samples: sqrt(2/n); of the mean in units of sd: 1/sqrt(n).
    assert np.var(drawn) * 60**2 / 3 == pytest.approx(1, abs=5 * np.sqrt(2 / drawn.size))
    assert np.mean(drawn) * 60 / np.sqrt(3) == pytest.approx(0, abs=5 / np.sqrt(drawn.size))
    assert not np.array_equal(couplings[0], fs.draw_couplings(60, seed=2)[0])


def test_initial_energy_loss_has_its_exact_average():
    """E'(0) = -<|F|^2 - (s.F)^2/N> / N; both averages over sphere and couplings are known (-3/2 at N = infinity)."""
    n, replicas, seeds = 12, 200, 100
    pairs, triples = (n - 1) * (n - 2) / 2, n * (n - 1) * (n - 2) / 6
    squared = 3 / n**2 * pairs * n / (n + 2)
    along = 9 * 3 / n**2 * triples * n**3 / (n * (n + 2) * (n + 4)) / n**2
    samples = []
    for seed in range(seeds):
        spins = random_sphere(n, replicas, seed)
        drive = fs.force(fs.draw_couplings(n, seed), spins)
        samples.append(np.mean(np.sum(drive**2, axis=0) / n - (np.sum(spins * drive, axis=0) / n) ** 2))
    mean, error = fs.mean_and_error(np.array(samples))
    assert mean == pytest.approx(squared - along, abs=5 * error)
    assert error < 0.05 * mean


def test_spins_stay_on_the_sphere():
    for spins, *_ in points(fs.draw_couplings(20, 3), 3, 0.5, 0.05, 4, 10):
        np.testing.assert_allclose(np.sum(spins**2, axis=0), 20, rtol=1e-13)


def test_without_couplings_spins_diffuse_over_the_sphere():
    n, replicas, temperature, step = 30, 3000, 0.5, 0.02
    free = [np.zeros((n - 1 - i, n - 1 - i), np.float32) for i in range(n - 2)]
    path = points(free, 7, temperature, step, replicas, 100)
    overlaps = np.sum(path[-1][0] * path[0][0], axis=0) / n
    exact = np.exp(-temperature * (n - 1) / n * 2.0)
    # Five standard errors, and the scheme's own: second order in the step and of order step / N.
    assert overlaps.mean() == pytest.approx(exact, abs=5 * overlaps.std() / np.sqrt(replicas) + step**2 + step / n)
    # Every point of the sphere is one of equilibrium, so that the theorem holds: 2 T chi = <ds.B>/N = 2 (1 - C).
    moved = path[-1][0] - path[0][0]
    excess = np.sum(moved * path[-1][2], axis=0) / n - np.sum(moved**2, axis=0) / n
    assert excess.mean() == pytest.approx(0, abs=5 * excess.std() / np.sqrt(replicas) + step**2 + step / n)
    assert excess.std() / np.sqrt(replicas) < 0.01 * (1 - exact)


def test_without_noise_the_scheme_is_of_second_order_and_loses_energy():
    couplings = fs.draw_couplings(24, 9)

    def energies(n):
        path = points(couplings, 9, 0.0, 2.0 / n, 8, n)
        return np.array([-np.sum(s * f, axis=0) / (3 * 24) for s, f, _ in path])

    by_steps = {n: energies(n) for n in (20, 40, 640)}
    assert np.all(np.diff(by_steps[640], axis=0) < 1e-6)
    error = {n: np.linalg.norm(by_steps[n][-1] - by_steps[640][-1]) for n in (20, 40)}
    # Halving the step divides the error by four, up to the next order, about a step's relative size.
    assert 3 < error[20] / error[40] < 6


def test_a_split_of_the_seeds_changes_nothing():
    arguments = ([0.0, 0.5], [0.1, 0.2], [0.0, 0.3])
    together = fs.simulate(16, [4, 8, 15], *arguments, step=0.05, replicas=3)
    apart = [fs.simulate(16, [seed], *arguments, step=0.05, replicas=3) for seed in (4, 8, 15)]
    assert np.array_equal(together.energy, np.concatenate([e.energy for e in apart]))
    assert np.array_equal(together.correlation, np.concatenate([e.correlation for e in apart]))
    # Replicas are the outer index of each draw: the first ones do not depend on how many there are.
    few, many = (points(fs.draw_couplings(16, 4), 4, 0.5, 0.05, n, 2)[-1][0] for n in (3, 5))
    np.testing.assert_allclose(many[:, :3], few, rtol=1e-5, atol=1e-5)


def test_measurements_are_those_of_the_trajectory():
    ensemble = fs.simulate(16, [6], [0.1, 0.35], [0.05, 0.2], [0.0, 0.15], step=0.05, replicas=2)
    path = points(fs.draw_couplings(16, 6), 6, 0.5, 0.05, 2, 7)
    for column, n in enumerate((2, 7)):
        assert ensemble.energy[0, column] == pytest.approx(-np.mean(np.sum(path[n][0] * path[n][1], axis=0)) / 48)
    for row, start in enumerate((1, 4)):
        assert ensemble.correlation[0, row, 0] == pytest.approx(1, rel=1e-12)
        expected = np.mean(np.sum(path[start][0] * path[start + 3][0], axis=0)) / 16
        assert ensemble.correlation[0, row, 1] == pytest.approx(expected, rel=1e-12)
        moved, noise = (path[start + 3][i] - path[start][i] for i in (0, 2))
        assert ensemble.susceptibility[0, row, 0] == 0
        expected = 0.15 * np.sum(moved * noise) / np.sum(noise**2)
        assert ensemble.susceptibility[0, row, 1] == pytest.approx(expected, rel=1e-12)


def test_the_noise_is_what_moves_free_spins():
    """To first order in a short step: ds is the part of the noise along the sphere."""
    free = [np.zeros((40 - 1 - i, 40 - 1 - i), np.float32) for i in range(38)]
    (start, _, _), (end, _, noise) = points(free, 3, 0.5, 1e-6, 5, 1)
    along = noise - np.sum(noise * start, axis=0) / 40 * start
    np.testing.assert_allclose(end - start, along, atol=40 * 1e-6)


def test_without_temperature_there_is_no_response():
    still = fs.simulate(8, [0], [], [0.1], [0.0, 0.1], temperature=0.0, step=0.05, replicas=2)
    assert still.susceptibility[0, 0, 0] == 0 and np.isnan(still.susceptibility[0, 0, 1])


def extrapolation(small, large):
    """Limit of a + c/N from N and 2 N, and its standard error."""
    (mean_small, error_small), (mean_large, error_large) = fs.mean_and_error(small), fs.mean_and_error(large)
    return 2 * mean_large - mean_small, np.sqrt(4 * error_large**2 + error_small**2)


def test_small_systems_extrapolate_towards_the_limit():
    small, large = (fs.simulate(n, range(20), [1.0], step=0.05, replicas=32) for n in (36, 72))
    limit, error = extrapolation(small.energy[:, 0], large.energy[:, 0])
    # Five standard errors; the next order d/N^2 leaves d/(N 2N) = 0.02 for |d| up to 50 (c is about 3.6); the step
    # of 0.05 leaves 1e-3 (measured on shared noise paths: 1e-4 at 0.02, growing as the square).
    assert limit == pytest.approx(ENERGY, abs=5 * error + 50 / (36 * 72) + 1e-3)
    assert error < 0.01
    # The 1/N drift itself: smaller systems lie higher.
    assert small.energy.mean() > large.energy.mean() > ENERGY


@pytest.mark.slow
def test_energies_and_correlations_drift_as_one_over_n_to_the_limit():
    small, large = (fs.simulate(n, range(16), [1.0], [1.0], [1.0], replicas=32) for n in (100, 200))
    for measured, limit in ((lambda e: e.energy[:, 0], ENERGY), (lambda e: e.correlation[:, 0, 0], CORRELATION)):
        value, error = extrapolation(measured(small), measured(large))
        # As above: d/(N 2N) = 0.0025 for |d| up to 50, and 2e-4 for the step of 0.02.
        assert value == pytest.approx(limit, abs=4 * error + 50 / (100 * 200) + 2e-4)
        assert error < 5e-3
    # c of E = E_CK + c/N, from each size alone, agrees: the drift is 1/N.
    drifts = [(n, *fs.mean_and_error(e.energy[:, 0])) for n, e in ((100, small), (200, large))]
    (first, error_first), (second, error_second) = [(n * (mean - ENERGY), n * error) for n, mean, error in drifts]
    assert first == pytest.approx(second, abs=4 * np.hypot(error_first, error_second) + 50 / 100)


@pytest.mark.slow
def test_the_response_of_simulated_spins_is_that_of_the_equations():
    ensemble = fs.simulate(100, range(6), [], [1.0], list(RATIO), step=0.05, replicas=32)
    response, moved = ensemble.susceptibility[:, 0], 2 * (1 - ensemble.correlation[:, 0])
    ratio = response.mean(axis=0) / moved.mean(axis=0)
    error = (response - ratio * moved).std(axis=0, ddof=1) / np.sqrt(6) / moved.mean(axis=0)
    # Three standard errors, and the 1/N drift of X: its slope in 1/N, about 2 at lag 1, leaves 0.02.
    assert (np.abs(ratio - list(RATIO.values())) < 3 * error + 0.03).all()
    # X = 1, of spins that obey the theorem, is excluded from lag 1 on.
    assert (3 * error[2:] + 0.03 < 0.13).all()


def test_mean_and_error():
    mean, error = fs.mean_and_error(np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0]]))
    assert mean.tolist() == [3, 2]
    assert error == pytest.approx([2 / np.sqrt(3), 0])
    with pytest.raises(QuenchError, match="two realisations"):
        fs.mean_and_error(np.array([1.0]))


def test_glass_holds_means_errors_and_every_realisation():
    times = {"times": [0.1, 0.5], "waiting_times": [0.1], "lags": [0.0, 0.2]}
    choices = {"n_spins": 12, "seeds": [0, 1, 2], "temperature": 0.7, "step": 0.05, "replicas": 4, **times}
    ensemble, glass = fs.simulate(**choices), fs.glass(**choices)
    contracts.check(glass, "glass", "glass of a test")
    mean, error = fs.mean_and_error(ensemble.energy)
    assert np.array_equal(glass.energy, mean) and np.array_equal(glass.energy_error, error)
    assert np.array_equal(glass.energy_of_realisation, ensemble.energy)
    assert np.array_equal(glass.susceptibility, ensemble.susceptibility.mean(axis=0))
    assert np.array_equal(glass.mu, 0.7 - 3 * mean) and np.array_equal(glass.mu_error, 3 * error)
    np.testing.assert_allclose(glass.displacement, 2 * (1 - ensemble.correlation.mean(axis=0)), rtol=1e-12, atol=1e-12)
    assert glass.seed.values.tolist() == [0, 1, 2]
    with pytest.raises(QuenchError, match="two realisations"):
        fs.glass(**choices | {"seeds": [0]})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_spins": 2}, "between 3 and 400"),
        ({"n_spins": 401}, "between 3 and 400"),
        ({"seeds": []}, "a seed"),
        ({"seeds": [3, 3]}, "differ"),
        ({"seeds": [-1]}, "not be negative"),
        ({"step": 0.0}, "step"),
        ({"temperature": -1.0}, "temperature"),
        ({"times": [0.015]}, "multiples of the step"),
        ({"times": [-0.02]}, "not below 0"),
        ({"times": []}, "nothing to measure"),
    ],
)
def test_mistakes_are_reported(changes, message):
    with pytest.raises(QuenchError, match=message):
        fs.simulate(**({"n_spins": 10, "seeds": [0], "times": [0.1]} | changes))
