"""Langevin dynamics, measured with the pipeline's own observables, against free Brownian weights and the harmonic well.

Nothing is fitted. An average over M independent weights has relative standard error sqrt(2/M) for a mean square,
sqrt(Q(1-Q)/M) for an overlap and sqrt(24/M)/3 for alpha_2 of Gaussian displacements (the standard error of an excess
kurtosis, over 3). Every comparison allows 5 of these: a false alarm has probability 6e-7, and the seeds are fixed.
"""

import numpy as np
import pytest
import xarray as xr

from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.reference import langevin
from quench.dynamics.reference.problem import Problem
from quench.dynamics.schedule import Schedule
from quench.networks.mlp import Architecture, initial_weights
from quench.observables.average import average
from quench.observables.measure import measure
from quench.theory import brownian
from quench.theory.harmonic import DiscreteWell, Well

ARCHITECTURE = Architecture(4, 60, 3)
N_NETWORKS = 4
MEMBERS = N_NETWORKS * ARCHITECTURE.n_weights
N_SAMPLES = 6
SIGMAS = 5


def follow(x, start, schedule, waiting_time, chi, **physics):
    """Averaged observables of an ensemble from the weights ``start`` (network, weight), and its last weights."""
    problem = Problem(x, np.ones(len(x)), ARCHITECTURE, precision="float64")
    ensemble = Ensemble(range(N_NETWORKS), 77, physics.pop("weight_decay"))
    dynamics, weights = Langevin(**physics), start.copy()
    snapshots, step = [], 0
    for time in schedule.times:
        assert (langevin.advance(problem, dynamics, ensemble, weights, step, int(time) - step) == -1).all()
        snapshots.append(weights.copy())
        step = int(time)
    trajectory = xr.Dataset(
        {"weights": (("network", "time", "weight"), np.stack(snapshots, axis=1)), "sigma": ("network", [1.0] * 4)},
        coords={"time": schedule.times, "seed": ("network", range(4)), "diverged_at": ("network", [-1] * 4)},
    )
    return average([measure(trajectory, [waiting_time], chi=chi, lags=schedule.lags)]).isel(waiting_time=0), snapshots


def overlap_error(q):
    return SIGMAS * np.sqrt(np.clip(q * (1 - q), 1 / MEMBERS, None) / MEMBERS)


def test_satisfied_margins_leave_free_brownian_weights():
    """lambda = 0 and every margin beyond 1: no gradient at all, so each weight is a random walk of its own."""
    step_size, temperature = 0.02, 1e-3
    x = np.random.default_rng(0).uniform(1, 2, (N_SAMPLES, 4))
    start = np.ones((N_NETWORKS, ARCHITECTURE.n_weights))
    diffusion = brownian.diffusion_constant(step_size, temperature, N_SAMPLES)
    epsilon = np.sqrt(4 * diffusion * 30) * 1.163  # tau90 near 30 updates
    result, snapshots = follow(
        x, start, Schedule((20,), 300), 20, 1 / epsilon, step_size=step_size, temperature=temperature, weight_decay=0.0
    )
    problem = Problem(x, np.ones(N_SAMPLES), ARCHITECTURE, precision="float64")
    assert not problem.gradient(snapshots[-1]).any()
    moving = result.isel(lag=slice(1, None))
    lags = moving["lag"].values
    np.testing.assert_allclose(moving["msd_mean"], brownian.msd(lags, diffusion), rtol=SIGMAS * np.sqrt(2 / MEMBERS))
    expected = brownian.overlap(lags, epsilon, diffusion)
    assert (np.abs(moving["overlap_mean"] - expected) < overlap_error(expected)).all()
    assert np.abs(moving["alpha2_mean"]).max() < SIGMAS * np.sqrt(24 / MEMBERS) / 3
    # At Q = 0.9 the slope is dQ/d ln t = -0.170, so that an error of Q is one of ln tau90 six times as large.
    tau90 = float(result["tau90_mean"])
    tolerance = overlap_error(0.9) / 0.17
    assert np.log(tau90 / brownian.tau90(epsilon, diffusion)) == pytest.approx(0, abs=tolerance)
    # The noise of different weights, networks and steps is independent.
    steps = np.diff(np.stack(snapshots[:8]), axis=0).reshape(7, MEMBERS)
    correlations = np.corrcoef(steps)[np.triu_indices(7, 1)]
    assert np.abs(correlations).max() < SIGMAS / np.sqrt(MEMBERS)
    networks = np.corrcoef(snapshots[-1] - snapshots[0])[np.triu_indices(N_NETWORKS, 1)]
    assert np.abs(networks).max() < SIGMAS / np.sqrt(ARCHITECTURE.n_weights)


NO_SIGNAL = np.zeros((N_SAMPLES, 4))  # no input, no activation: the data gradient is exactly 0 for any weights


def test_pure_regularisation_from_fixed_weights_is_the_harmonic_well():
    """k = lambda, from given weights: the exact first-order autoregression in Q, MSD and variance."""
    step_size, weight_decay, temperature = 0.1, 0.2, 0.3
    well = DiscreteWell(weight_decay, step_size, temperature, N_SAMPLES)
    start = np.stack([3 * initial_weights(ARCHITECTURE, seed) for seed in range(N_NETWORKS)])
    epsilon = 0.1
    schedule = Schedule((0,), 200)
    result, snapshots = follow(
        NO_SIGNAL, start, schedule, 0, 1 / epsilon, step_size=step_size, temperature=temperature,
        weight_decay=weight_decay,
    )  # fmt: skip
    lags = result["lag"].values
    expected = well.overlap(lags, start, epsilon)
    assert (np.abs(result["overlap_mean"] - expected)[1:] < overlap_error(expected)[1:]).all()
    # Displacements are normal with a mean of their own: the variance of a square is at most 4 mean^2 v + 2 v^2, and
    # 2 (mean^2 + v)^2 bounds it.
    np.testing.assert_allclose(result["msd_mean"][1:], well.msd(lags, start)[1:], rtol=SIGMAS * np.sqrt(2 / MEMBERS))
    for place in (1, 20, -1):
        lag = schedule.times[place]
        spread = (snapshots[place] - well.decay(lag) * start).var()
        assert spread == pytest.approx(float(well.variance(lag)), rel=SIGMAS * np.sqrt(2 / MEMBERS))


@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_pure_regularisation_in_equilibrium(rate):
    """Long after the start: stationary variance, Q and MSD of an Ornstein-Uhlenbeck process at mu k << 1, and of its
    discrete form, whose variance is larger by 1/(1 - mu k/2), at any mu k."""
    weight_decay, temperature = 0.25, 0.02
    step_size = rate / weight_decay
    discrete = DiscreteWell(weight_decay, step_size, temperature, N_SAMPLES)
    settled = int(8 / rate)  # the start is forgotten to exp(-8) of its size, the variance to exp(-16)
    start = np.zeros((N_NETWORKS, ARCHITECTURE.n_weights))
    epsilon = 0.5 * np.sqrt(discrete.stationary_variance)
    result, snapshots = follow(
        NO_SIGNAL, start, Schedule((settled,), settled), settled, 1 / epsilon, step_size=step_size,
        temperature=temperature, weight_decay=weight_decay,
    )  # fmt: skip
    relative = SIGMAS * np.sqrt(2 / MEMBERS)
    assert snapshots[-1].var() == pytest.approx(discrete.stationary_variance, rel=relative)
    lags = result["lag"].values[1:]
    np.testing.assert_allclose(result["msd_mean"][1:], discrete.equilibrium_msd(lags), rtol=relative)
    expected = discrete.equilibrium_overlap(lags, epsilon)
    assert (np.abs(result["overlap_mean"][1:] - expected) < overlap_error(expected)).all()
    assert np.abs(result["alpha2_mean"][1:]).max() < SIGMAS * np.sqrt(24 / MEMBERS) / 3
    # The displacement of independent configurations is twice the variance (erratum to KWJ Eq. 25-26).
    assert float(result["msd_mean"][-1]) == pytest.approx(2 * snapshots[-1].var(), rel=2 * relative)
    continuous = Well(weight_decay, step_size, temperature, N_SAMPLES)
    gap = snapshots[-1].var() / continuous.stationary_variance - 1
    if rate == 0.02:  # T/(k P_D) within the statistics and the 1 % of the discrete step
        assert abs(gap) < relative + 0.01
    else:  # the test can tell the two apart
        assert gap > 0.33 - 1.34 * relative
