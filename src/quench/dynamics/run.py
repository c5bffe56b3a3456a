"""Measured dynamics from pretrained networks: Langevin, SGD, momentum or Adam, recorded on a schedule (KWJ Sec. III.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from quench.dynamics import accumulated_noise, problem
from quench.dynamics.accumulated_noise import AccumulatedNoise
from quench.dynamics.choices import AUTO, LOSSES, Compute, Dynamics, Ensemble, Langevin
from quench.dynamics.problem import Problem
from quench.dynamics.recorders import Snapshots
from quench.dynamics.schedule import Schedule
from quench.dynamics.trajectory import Advance, Leg, Recorder, State, Trajectory
from quench.numerics.random import stream_id
from quench.store import snapshots
from quench.store.checksum import content_key
from quench.store.variables import config_of


class Recording(NamedTuple):
    """A recorder and its result: ``build(times=, seeds=, diverged_at=)`` makes a dataset of contract ``kind``.

    ``choices``: what else decides the result, besides the ``config`` of the run.
    """

    kind: str
    recorder: Recorder
    build: Callable[..., xr.Dataset]
    choices: dict[str, Any]


def full(
    task: Problem, weight_decay: float, weights: np.ndarray, schedule: Schedule, noise: AccumulatedNoise | None = None
) -> Recording:
    """All weights at every recording time, from ``weights`` (network, weight) on: the ``snapshots`` contract.

    The ``noise`` follows from its keys and is not recorded.
    """
    recorder, sigma = Snapshots(task, weight_decay, len(weights), len(schedule.times)), weights.std(axis=1)

    def build(**known: np.ndarray) -> xr.Dataset:
        layer = task.architecture.layer_index
        return snapshots.build(recorder.weights, layer=layer, sigma=sigma, **recorder.table(), **known)

    return Recording("snapshots", recorder, build, {})


def trajectory(
    pretrained: xr.Dataset,
    dataset: xr.Dataset,
    dynamics: Dynamics,
    schedule: Schedule,
    *,
    compute: Compute = AUTO,
    recording: Callable[..., Recording] = full,
) -> Trajectory:
    """The ``dynamics`` of ``pretrained`` networks on the ``dataset`` that they learnt, recorded on ``schedule``.

    ``recording``, called as ``full`` is, decides the result: snapshots, or observables measured during the run
    (``observables.streaming``). In both, sigma (network) is the standard deviation of each network's weights before the
    first update (KWJ Eq. 14), and ``state`` (network) that of the end of the preparation. A network that diverged during
    its preparation counts as diverged from time 0 on. The random numbers depend on the seed, on the temperature or batch
    size and on the update alone: runs that differ in their recording times are one trajectory. Raises ``QuenchError`` for
    networks, a dataset and choices that do not go together.
    """
    prepared = config_of(pretrained)
    task = problem.of_networks(pretrained, prepared, dataset, compute, dynamics.optimiser)
    weights = pretrained["weights"].values.astype(np.float64)
    seeds = pretrained["seed"].values
    ensemble = Ensemble(seeds.tolist(), stream_id(_stream(dynamics)), prepared["weight_decay"])
    state = State(weights, memory=np.zeros((len(weights), dynamics.slots, weights.shape[1])))
    config = {
        "prepared": prepared,
        **dynamics.parameters(),
        **asdict(schedule),
        "backend": task.backend,
        "precision": compute.precision,
        "P_D": task.n_samples,
    }
    noise = accumulated_noise.of_run(config, ensemble.seeds, weights.shape[1])
    kind, recorder, build, choices = recording(task, ensemble.weight_decay, weights, schedule, noise)
    leg = Leg(dynamics.dynamics, int(schedule.times[-1]), _advance(task, dynamics, ensemble, state))

    def result(state: State) -> xr.Dataset:
        made = build(times=schedule.times, seeds=seeds, diverged_at=state.diverged_at)
        loss = prepared.get("loss", LOSSES[0])
        made = made.assign_coords({name: pretrained[name].variable for name in ("state",) if name in pretrained.coords})
        if loss != LOSSES[0]:
            made["data_loss"].attrs = {"long_name": f"{loss} loss", "units": "1"}
        return made.assign_attrs(device=str(task.device))

    return Trajectory(
        kind,
        state,
        [leg],
        schedule.times,
        recorder,
        result,
        # The same for full and streamed: what is measured from either is the same.
        config=config,
        inputs={
            "recording": {"kind": kind, **choices},
            "device": str(task.device),
            "pretrained": content_key(pretrained),
            "dataset": content_key(dataset),
        },
    )


def _stream(dynamics: Dynamics) -> str:
    """The word of the random stream; each temperature and batch size has its own, so that their curves are independent."""
    if isinstance(dynamics, Langevin):
        return accumulated_noise.stream(dynamics)
    return f"batches of {dynamics.batch_size}"


def _advance(task: Problem, dynamics: Dynamics, ensemble: Ensemble, state: State) -> Advance:
    if isinstance(dynamics, Langevin):
        return partial(langevin, task, dynamics, ensemble)
    if dynamics.slots:
        return partial(problem.advance(task, "optimisers"), task, dynamics, ensemble, state.memory)
    return partial(problem.advance(task, "sgd"), task, dynamics, ensemble)


def langevin(
    task: Problem, dynamics: Langevin, ensemble: Ensemble, weights: np.ndarray, first_step: int, n_steps: int
) -> np.ndarray:
    """Advance ``weights`` by Langevin dynamics, stretch by stretch of constant temperature, as a ``Leg`` does."""
    advance = problem.advance(task, "langevin")
    diverged = np.full(len(weights), -1, dtype=np.int64)
    for start, count, temperature in dynamics.stretches(first_step, n_steps):
        constant = replace(dynamics, temperature=temperature, anneal=None)
        later = advance(task, constant, ensemble, weights, start, count)
        diverged = np.where(diverged < 0, later, diverged)
    return diverged
