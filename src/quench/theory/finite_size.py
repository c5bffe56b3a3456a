"""Spherical 3-spin model at finite N: a dense Langevin simulation that tends to the Cugliandolo-Kurchan (CK) equations.

    H = -sum_{i<j<k} J_ijk s_i s_j s_k,   Var J = 3 / N^2,   sum s_i^2 = N,   k_B = 1
    ds_i/dt = -dH/ds_i - mu(t) s_i + xi_i,   <xi_i(t) xi_j(t')> = 2 T delta_ij delta(t - t'),   mu = T - 3 H / N

quenched at t = 0 from infinite temperature: a uniformly random point of the sphere (Baity-Jesi et al. 2018, Fig. 1, is
the limit N -> infinity, which energies approach as 1/N). Time integration is Heun's method with a projection onto the
sphere, of second order in the step up to terms in step/N.

A field h_i that is switched on at t_w shifts ds_i by h_i dt, as a shift of the noise by h_i dt does. The integrated response
is therefore a correlation with the noise (Novikov 1965), without a field and without another run: with B_i, the sum of the
noise from t_w to t_w + t, chi = <sum_i (s_i(t_w + t) - s_i(t_w)) B_i> / (2 T N).

Every realisation of the couplings carries a bundle of replicas with their own starts and noise, which cost little more
than one since all share each coupling that is fetched. Errors come from the scatter of the realisations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from quench.errors import QuenchError
from quench.numerics import random
from quench.store.variables import described

MAX_SPINS = 400
_BLAS = ThreadpoolController()
_SOURCE = "Langevin simulation; Baity-Jesi et al. 2018, Fig. 1, at finite N"


@dataclass(frozen=True)
class Ensemble:
    """Energies, correlations and responses of every realisation of the couplings, averaged over its replicas."""

    seeds: tuple[int, ...]
    times: NDArray[np.float64]
    energy: NDArray[np.float64]
    """H / N: (realisation, time)."""
    waiting_times: NDArray[np.float64]
    lags: NDArray[np.float64]
    correlation: NDArray[np.float64]
    """C(t_w + lag, t_w) = sum_i s_i s_i / N: (realisation, waiting_time, lag)."""
    susceptibility: NDArray[np.float64]
    """Integrated response chi(t_w + lag, t_w), of the shape of ``correlation``; NaN at T = 0."""


def glass(seeds: Sequence[int], temperature: float, **simulation: Any) -> xr.Dataset:
    """``simulate`` with these arguments as the ``glass`` contract: means, standard errors, and every realisation.

    E, mu = T - 3 E at ``times``; C, Delta = 2 (1 - C), chi at all ``waiting_times`` and ``lags``. Raises ``QuenchError`` for
    fewer than two seeds and as ``simulate`` does.
    """
    if len(seeds) < 2:
        raise QuenchError("finite-size simulation: standard errors need at least two realisations (seeds)")
    ensemble = simulate(seeds=seeds, temperature=temperature, **simulation)
    energy, energy_error = mean_and_error(ensemble.energy)
    correlation, correlation_error = mean_and_error(ensemble.correlation)
    susceptibility, susceptibility_error = mean_and_error(ensemble.susceptibility)
    pair, every = ("waiting_time", "lag"), ("realisation",)
    over = "over realisations of the couplings"
    return xr.Dataset(
        {
            "energy": described(energy, ("time",), "energy per spin", references=_SOURCE),
            "energy_error": described(energy_error, ("time",), f"standard error of energy, {over}"),
            "energy_of_realisation": described(ensemble.energy, (*every, "time"), "energy, mean over replicas"),
            "mu": described(temperature - 3 * energy, ("time",), "Lagrange multiplier T - 3 E", references=_SOURCE),
            "mu_error": described(3 * energy_error, ("time",), f"standard error of mu, {over}"),
            "correlation": described(correlation, pair, "C(t_w + lag, t_w)", references=_SOURCE),
            "correlation_error": described(correlation_error, pair, f"standard error of correlation, {over}"),
            "correlation_of_realisation": described(
                ensemble.correlation, (*every, *pair), "correlation, mean over replicas"
            ),
            "susceptibility": described(susceptibility, pair, "chi(t_w + lag, t_w)", references=_SOURCE),
            "susceptibility_error": described(susceptibility_error, pair, f"standard error of susceptibility, {over}"),
            "susceptibility_of_realisation": described(
                ensemble.susceptibility, (*every, *pair), "susceptibility, mean over replicas"
            ),
            "displacement": described(2 * (1 - correlation), pair, "Delta = 2 (1 - C)", references=_SOURCE),
            "displacement_error": described(2 * correlation_error, pair, f"standard error of displacement, {over}"),
        },
        {
            "time": described(ensemble.times, ("time",), "time since the quench"),
            "waiting_time": described(ensemble.waiting_times, ("waiting_time",), "waiting time since the quench"),
            "lag": described(ensemble.lags, ("lag",), "time since the waiting time"),
            "seed": described(ensemble.seeds, every, "seed of the realisation"),
        },
    )


def mean_and_error(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the realisations (first axis) and its standard error ``sqrt(var / n)``; needs two or more."""
    if len(samples) < 2:
        raise QuenchError("a standard error needs at least two realisations of the couplings")
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def simulate(
    n_spins: int,
    seeds: Sequence[int],
    times: Sequence[float],
    waiting_times: Sequence[float] = (),
    lags: Sequence[float] = (),
    *,
    temperature: float = 0.5,
    step: float = 0.02,
    replicas: int = 32,
) -> Ensemble:
    """Simulate one realisation of the couplings per seed and measure at ``times``, and at every waiting time plus lag.

    ``n_spins`` N from 3 to 400 (memory: 4 N^3 / 3 bytes); ``times``, ``waiting_times`` and ``lags`` are multiples of
    ``step``. Randomness is keyed by seed, so any split of the seeds over calls gives the same numbers.
    Raises ``QuenchError`` for anything else, before any work.
    """
    if not 3 <= n_spins <= MAX_SPINS:
        raise QuenchError(f"finite-size simulation: n_spins must lie between 3 and {MAX_SPINS}, got {n_spins}")
    if not (temperature >= 0 and 0 < step <= 0.1 and replicas >= 1 and len(seeds) >= 1):
        raise QuenchError(
            "finite-size simulation: need temperature >= 0, 0 < step <= 0.1, replicas >= 1 and a seed, "
            f"got {temperature}, {step}, {replicas}, {len(seeds)} seeds"
        )
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise QuenchError("finite-size simulation: seeds must differ and not be negative")
    at = _steps(times, step)
    starts, delays = _steps(waiting_times, step), _steps(lags, step)
    if not len(at) and not (len(starts) and len(delays)):
        raise QuenchError("finite-size simulation: nothing to measure: give times, or waiting times and lags")
    runs = [_realisation(n_spins, seed, temperature, step, replicas, (at, starts, delays)) for seed in seeds]
    energy, correlation, susceptibility = map(np.array, zip(*runs, strict=True))
    waiting, after = np.asarray(waiting_times, float), np.asarray(lags, float)
    return Ensemble(tuple(seeds), np.asarray(times, float), energy, waiting, after, correlation, after * susceptibility)


def draw_couplings(n_spins: int, seed: int) -> list[NDArray[np.float32]]:
    """The couplings with smallest index i as symmetric matrices over the later spins, one for each i.

    Entry i is (N-1-i, N-1-i) with a zero diagonal; J has variance 3/N^2. Units of energy per N^{3/2} spins.
    """
    stream = random.stream_id("p-spin couplings")
    couplings = []
    for i in range(n_spins - 2):
        size = n_spins - 1 - i
        upper = np.zeros((size, size), np.float32)
        upper[np.triu_indices(size, 1)] = random.normals(seed, stream, i, size * (size - 1) // 2)
        couplings.append((upper + upper.T) * np.float32(np.sqrt(3) / n_spins))
    return couplings


def force(couplings: list[NDArray[np.float32]], spins: NDArray[np.float64]) -> NDArray[np.float64]:
    """``-dH/ds_i = sum_{j<k} J_ijk s_j s_k``; ``spins`` and result (N, replica). The energy is ``-s.F / 3``.

    With M the matrix of the triples whose smallest index is i and t the later spins, ``sum_{j<k} J_ijk s_j s_k`` is
    t.M t / 2 for spin i, and s_i M t for the later ones. In single precision, whose relative error of 1e-6 is far
    below the noise.
    """
    short = spins.astype(np.float32)
    total = np.zeros_like(short)
    # One BLAS thread: these products are too small for two, and the last bits must not depend on the cores.
    with _BLAS.limit(limits=1):
        for i, matrix in enumerate(couplings):
            later = short[i + 1 :]
            product = matrix @ later
            total[i] += 0.5 * np.einsum("kr,kr->r", later, product)
            total[i + 1 :] += short[i] * product
    return total.astype(np.float64)


def trajectory(
    couplings: list[NDArray[np.float32]], seed: int, temperature: float, step: float, replicas: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """The spins, the force on them and the sum of their noise so far, (N, replica), at t = 0, step, ..., without end.

    The seed keys the random starts and the noise; ``couplings`` may be any that ``force`` understands.
    """
    n_spins = len(couplings) + 2

    def normals(stream: str, n: int) -> NDArray[np.float64]:
        drawn = random.normals(seed, random.stream_id(stream), n, n_spins * replicas)
        return drawn.reshape(replicas, n_spins).T.astype(np.float64)

    def on_sphere(spins: NDArray[np.float64]) -> NDArray[np.float64]:
        return spins * np.sqrt(n_spins / np.sum(spins**2, axis=0))

    def drift(spins: NDArray[np.float64], drive: NDArray[np.float64]) -> NDArray[np.float64]:
        return drive - (temperature + np.sum(spins * drive, axis=0) / n_spins) * spins

    spins = on_sphere(normals("p-spin start", 0))
    total = np.zeros_like(spins)
    for n in itertools.count():
        drive = force(couplings, spins)
        yield spins, drive, total
        noise = np.sqrt(2 * temperature * step) * normals("p-spin noise", n)
        here = drift(spins, drive)
        predicted = on_sphere(spins + step * here + noise)
        there = drift(predicted, force(couplings, predicted))
        spins = on_sphere(spins + step / 2 * (here + there) + noise)
        total = total + noise


def _steps(times: Sequence[float], step: float) -> NDArray[np.int64]:
    times = np.asarray(times, float)
    counts = np.round(times / step)
    if not np.all((times >= 0) & (np.abs(times / step - counts) < 1e-6)):
        raise QuenchError(f"finite-size simulation: times must be multiples of the step {step:g}, not below 0")
    return counts.astype(np.int64)


def _realisation(
    n_spins: int, seed: int, temperature: float, step: float, replicas: int, schedule: tuple[NDArray[np.int64], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of one seed, averaged over the replicas: energy at each time; C and chi / lag at each (waiting time, lag)."""
    at, starts, delays = schedule
    ends = starts[:, None] + delays
    last = max([*at, *ends.ravel(), *starts])
    couplings = draw_couplings(n_spins, seed)
    energy = np.empty(len(at))
    correlation, susceptibility = np.empty(ends.shape), np.empty(ends.shape)
    references: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    path = trajectory(couplings, seed, temperature, step, replicas)
    for n, (spins, drive, total) in enumerate(itertools.islice(path, last + 1)):
        energy[at == n] = -np.mean(np.sum(spins * drive, axis=0)) / (3 * n_spins)
        if n in starts:
            references[n] = spins, total
        for w, start in enumerate(starts):
            if n in ends[w]:
                reference, before = references[start]
                correlation[w, ends[w] == n] = np.mean(np.sum(spins * reference, axis=0)) / n_spins
                susceptibility[w, ends[w] == n] = _over_free(spins - reference, total - before)
    return energy, correlation, susceptibility


def _over_free(displacement: NDArray[np.float64], noise: NDArray[np.float64]) -> float:
    """Response over that of a free spin, chi = lag: sum(ds B) / sum(B B), both (N, replica); 1 without noise at lag 0."""
    if not displacement.any():
        return 1.0
    square = float(np.sum(noise * noise))
    return float(np.sum(displacement * noise)) / square if square else np.nan
