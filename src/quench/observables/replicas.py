"""Replicas: copies of one network under independent noise, and the weights that have never moved beyond a length.

What replicas have in common is fixed by the start; what differs between them is chance (Widmer-Cooper, Harrowell & Fynewever
2004). Nothing but sums is kept, at every lag after the last waiting time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from quench.dynamics import accumulated_noise, problem
from quench.dynamics.choices import AUTO, Compute, Ensemble, Langevin
from quench.dynamics.run import langevin
from quench.dynamics.schedule import Schedule
from quench.dynamics.trajectory import Leg, State, Trajectory
from quench.errors import QuenchError
from quench.numerics.random import stream_id
from quench.store.checksum import content_key
from quench.store.variables import config_of, described
from quench.theory.brownian import STRIDE

_DIMS = ("network", "lag")
_MEASURED = {
    "overlap": "share of weights within epsilon, mean over replicas",
    "pair_overlap": "share of weights within epsilon in both of two replicas",
    "chi4": "number of weights times the variance of the overlap over replicas",
    "distance": "mean square distance of two replicas",
    "from_start": "mean square displacement since time 0, mean over replicas",
    "persistence": f"share of weights that were within epsilon at every {STRIDE}th update so far, mean over replicas",
}


def pair_overlap(inside: np.ndarray) -> np.ndarray:
    """<p_i^2> without bias: (1/N) sum_i k_i (k_i - 1) / (R (R - 1)), weight i being within epsilon in k_i of R replicas.

    ``inside`` bool (replica, ..., weight); the result (...), NaN for one replica.
    """
    count, pairs = inside.sum(axis=0), len(inside) * (len(inside) - 1)
    return np.asarray((count * (count - 1)).mean(axis=-1) / (pairs or np.nan))


def susceptibility(inside: np.ndarray) -> np.ndarray:
    """chi4 = N Var_r(q_r), q_r the share of ``inside`` (replica, ..., weight) of a replica; (...), NaN for one replica."""
    if len(inside) == 1:
        return np.full(inside.shape[1:-1], np.nan)
    return np.asarray(inside.shape[-1] * inside.mean(axis=-1).var(axis=0, ddof=1))


def distance(weights: np.ndarray) -> np.ndarray:
    """(1/N) <|w_r - w_s|^2> over pairs of replicas of ``weights`` (replica, ..., weight); (...), NaN for one replica."""
    if len(weights) == 1:
        return np.full(weights.shape[1:-1], np.nan)
    return np.asarray(2 * weights.var(axis=0, ddof=1).mean(axis=-1))


class Replicas:
    """Recorder of ``n_replicas`` copies of each network, of the weights ``counted`` (weight).

    The rows of a state are the networks of replica 0, then those of replica 1, and so on. ``epsilon`` (network): overlap
    lengths; ``lags`` increase from 0. ``tables`` by name: float64 (network, lag), NaN where a replica has diverged.
    """

    def __init__(
        self, waiting_time: int, lags: np.ndarray, epsilon: np.ndarray, n_replicas: int, counted: np.ndarray
    ) -> None:
        self.waiting_time, self.lags, self.epsilon = waiting_time, lags, epsilon
        self.n_replicas, self.counted = n_replicas, counted
        self.tables = {name: np.full((len(epsilon), len(lags)), np.nan) for name in _MEASURED}
        self.held: dict[str, np.ndarray] = {}
        self.last_loss = float("nan")

    def times(self) -> np.ndarray:
        """Recording times: the start, every lag and every look, int64."""
        looks = np.arange(0, self.lags[-1] + 1, STRIDE)
        return np.union1d([0], self.waiting_time + np.union1d(looks, self.lags))

    def record(self, state: State) -> None:
        weights = state.weights[:, self.counted].reshape(self.n_replicas, len(self.epsilon), -1)
        lag = state.step - self.waiting_time
        if state.step == 0:
            self.held["start"] = weights[0].copy()
        if lag == 0:
            self.held |= {"reference": weights.copy(), "stayed": np.ones(weights.shape, dtype=bool)}
        if lag < 0:
            return
        with np.errstate(invalid="ignore", over="ignore"):
            inside = np.abs(weights - self.held["reference"]) <= self.epsilon[:, None]
            if lag % STRIDE == 0:
                self.held["stayed"] &= inside
            place = int(np.searchsorted(self.lags, lag))
            if place < len(self.lags) and self.lags[place] == lag:
                self._measure(place, weights, inside)

    def _measure(self, place: int, weights: np.ndarray, inside: np.ndarray) -> None:
        measured = {
            "overlap": inside.mean(axis=(0, 2)),
            "pair_overlap": pair_overlap(inside),
            "chi4": susceptibility(inside),
            "distance": distance(weights),
            "from_start": np.square(weights - self.held["start"]).mean(axis=(0, 2)),
            "persistence": self.held["stayed"].mean(axis=(0, 2)),
        }
        finite = np.isfinite(weights).all(axis=(0, 2))
        for name, values in measured.items():
            self.tables[name][:, place] = np.where(finite, values, np.nan)

    def memory(self) -> dict[str, np.ndarray]:
        return {**self.tables, **self.held}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        self.tables = {name: np.array(memory[name]) for name in _MEASURED}
        self.held = {name: np.array(values) for name, values in memory.items() if name not in _MEASURED}


def trajectory(
    pretrained: xr.Dataset,
    dataset: xr.Dataset,
    dynamics: Langevin,
    schedule: Schedule,
    *,
    chi: float,
    replicas: int,
    hidden_only: bool = False,
    compute: Compute = AUTO,
) -> Trajectory:
    """``replicas`` of each of the ``pretrained`` networks from time 0: the contract ``replicas``, at the last waiting time.

    Replica 0 is the network of ``quench.dynamics.run.trajectory``, bit for bit; replica r has the random stream of that
    with ``, replica r``. Overlap lengths are sigma / ``chi``. Measured are the lags of ``schedule`` and the multiples of
    ``STRIDE`` below them. Raises ``QuenchError`` where there is no noise of one temperature.
    """
    if not isinstance(dynamics, Langevin) or dynamics.anneal or not dynamics.temperature:
        raise QuenchError(
            "replicas: Langevin dynamics at one temperature above 0 is needed; other runs have no replicas"
        )
    prepared = config_of(pretrained)
    task = problem.of_networks(pretrained, prepared, dataset, compute, dynamics.optimiser)
    start, seeds = pretrained["weights"].values.astype(np.float64), pretrained["seed"].values
    layer = task.architecture.layer_index
    counted = layer < layer.max() if hidden_only else layer >= 0
    epsilon = np.ascontiguousarray(start[:, counted]).std(axis=1) / chi
    waiting_time, lags = max(schedule.waiting_times), schedule.lags
    recorder = Replicas(waiting_time, np.union1d(lags, lags // STRIDE * STRIDE), epsilon, replicas, counted)
    words = [accumulated_noise.stream(dynamics) + (f", replica {r}" if r else "") for r in range(replicas)]
    ensembles = [Ensemble(seeds.tolist(), stream_id(word), prepared["weight_decay"]) for word in words]
    advances = [partial(langevin, task, dynamics, ensemble) for ensemble in ensembles]

    def advance(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        copies = np.split(weights, replicas)
        return np.concatenate([one(rows, first_step, n_steps) for one, rows in zip(advances, copies, strict=True)])

    times = recorder.times()
    run = {
        "prepared": prepared,
        **dynamics.parameters(),
        "waiting_time": waiting_time,
        "lag_max": schedule.lag_max,
        "backend": task.backend,
        "precision": compute.precision,
        "P_D": task.n_samples,
    }
    known = {name: pretrained[name].variable for name in ("seed", "state") if name in pretrained.variables}

    def result(state: State) -> xr.Dataset:
        tables = {name: described(recorder.tables[name], _DIMS, text) for name, text in _MEASURED.items()}
        lag = described(recorder.lags, ("lag",), "lag t after the waiting time", "updates")
        length = described(epsilon, ("network",), "overlap length epsilon")
        return xr.Dataset({**tables, "epsilon": length}, {**known, "lag": lag}, {"device": str(task.device)})

    return Trajectory(
        "replicas",
        State(np.tile(start, (replicas, 1))),
        [Leg("replicas", int(times[-1]), advance)],
        times,
        recorder,
        result,
        config={"trajectory": run, "chi": chi, "replicas": replicas, "hidden_only": hidden_only},
        inputs={
            "device": str(task.device),
            "pretrained": content_key(pretrained),
            "dataset": content_key(dataset),
            "lags": recorder.lags.tolist(),
        },
    )
