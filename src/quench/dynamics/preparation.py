"""From random weights into a minimum: SGD, then full-batch descent at falling rates (KWJ Sec. III.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
import xarray as xr

from quench.dynamics import descent, problem
from quench.dynamics.batches import steps_per_epoch
from quench.dynamics.choices import AUTO, LOSSES, SGD, Compute, Ensemble, Preparation
from quench.dynamics.problem import Problem
from quench.dynamics.recorders import LossCurve
from quench.dynamics.schedule import lags
from quench.dynamics.trajectory import Leg, State, Trajectory
from quench.errors import QuenchError
from quench.networks import state
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import stream_id
from quench.store.checksum import content_key
from quench.store.variables import config_of, described, layers

# The loss is recorded at every epoch at first, then at so many per decade.
RECORDS_PER_DECADE = 20


def trajectory(
    dataset: xr.Dataset,
    *,
    width: int,
    depth: int,
    weight_decay: float,
    seeds: Sequence[int],
    preparation: Preparation,
    loss: str = LOSSES[0],
    compute: Compute = AUTO,
) -> Trajectory:
    """Networks of ``width`` and ``depth`` on their way from random weights into a minimum, one for each of the ``seeds``.

    The result is the ``pretrained`` contract: ``weights`` (network, weight), ``state`` (network; ``quench.networks.state``)
    and losses (network, time) of ``dataset``, whose ``x`` (sample, component) is learnt with ``y`` (sample). Raises
    ``QuenchError`` for choices that do not go together.
    """
    if len(set(seeds)) != len(seeds):
        raise QuenchError("--seeds: a seed is named twice; every network counts once")
    architecture = Architecture(dataset.sizes["component"], width, depth)
    task = problem.build(dataset, architecture, compute, loss)
    ensemble = Ensemble(seeds, stream_id("preparation batches"), weight_decay)
    times = recording_times(task.n_samples, preparation)
    curve = LossCurve(task, weight_decay)
    return Trajectory(
        "pretrained",
        State(np.stack([initial_weights(architecture, seed) for seed in seeds])),
        legs(task, preparation, ensemble),
        times,
        curve,
        lambda state: _pretrained(state, ensemble, task, times, curve, preparation.high_loss),
        config={
            "dataset": config_of(dataset),
            "width": width,
            "depth": depth,
            "loss": loss,
            "weight_decay": weight_decay,
            **asdict(preparation),
            "backend": task.backend,
            "precision": compute.precision,
            "P_D": task.n_samples,
        },
        inputs={"device": str(task.device), "seeds": ensemble.seeds, "dataset": content_key(dataset)},
    )


def legs(task: Problem, preparation: Preparation, ensemble: Ensemble) -> list[Leg]:
    """The epochs of SGD, then one leg of gradient descent for every (number of updates, learning rate) in ``polish``."""
    sgd = SGD(preparation.learning_rate, preparation.batch_size)
    n_steps = preparation.epochs * steps_per_epoch(task.n_samples, preparation.batch_size)
    polishing = [
        Leg(f"descent at {rate:g}", updates, partial(descent.advance, task, rate, ensemble.weight_decay))
        for updates, rate in preparation.polish
    ]
    return [Leg("SGD", n_steps, partial(problem.advance(task, "sgd"), task, sgd, ensemble)), *polishing]


def recording_times(n_samples: int, preparation: Preparation) -> np.ndarray:
    """Updates at which the loss is recorded: log-spaced epochs of SGD, and the end of every leg of descent; int64."""
    epoch, epochs = steps_per_epoch(n_samples, preparation.batch_size), preparation.epochs
    sgd = lags(epochs, 1, RECORDS_PER_DECADE) * epoch if epochs else np.zeros(1, dtype=np.int64)
    ends = epochs * epoch + np.cumsum([0, *(updates for updates, _ in preparation.polish)])
    return np.unique(np.concatenate([sgd, ends]))


def _pretrained(
    last: State, ensemble: Ensemble, task: Problem, times: np.ndarray, curve: LossCurve, high_loss: float
) -> xr.Dataset:
    curves = {
        name: described(values, ("network", "time"), name.replace("_", " ")) for name, values in curve.table().items()
    }
    (zero_loss,), _ = task.loss(np.zeros((1, last.weights.shape[1])))
    states = state.of_losses(curve.curves["data_loss"][-1], zero_loss, high_loss)
    return xr.Dataset(
        {"weights": described(last.weights, ("network", "weight"), "weights after preparation"), **curves},
        coords={
            "time": described(times, ("time",), "updates since the random initial weights", "updates"),
            "layer": layers(task.architecture.layer_index),
            "seed": described(ensemble.seeds, ("network",), "seed of each network"),
            "state": state.variable(states),
            "diverged_at": described(
                last.diverged_at,
                ("network",),
                "updates after which a weight was first not finite; -1: never",
                "updates",
            ),
        },
        attrs={"device": str(task.device)},
    )
