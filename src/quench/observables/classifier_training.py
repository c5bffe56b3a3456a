"""Training of a classifier by plain SGD, with displacements, losses and gradient noise measured during the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from quench.dynamics.classifier_task import Task, TrainingChoices
from quench.dynamics.minibatch import ClassifierRecorder, descent
from quench.dynamics.schedule import FINAL_MEASURES, log_spaced
from quench.dynamics.trajectory import Leg, Trajectory
from quench.dynamics.two_time import TwoTimeSchedule
from quench.observables.probe import Probe
from quench.store.variables import described

_BJ = "Baity-Jesi et al. 2018"
_CURVES = {
    "train_loss": ("training loss", ""),
    "train_accuracy": ("share of training images classified rightly", ""),
    "test_loss": ("test loss", ""),
    "test_accuracy": ("share of test images classified rightly", ""),
    "noise": ("D, variance of the gradient over samples per weight", f"{_BJ}, Eq. 4"),
    "noise_error": ("standard error of D; 0 where every sample was used", ""),
    "gradient_square": ("|grad L|^2; may be negative where it has an error", ""),
    "gradient_square_error": ("standard error of |grad L|^2; 0 where every sample was used", ""),
    "weight_square": ("|w|^2 / M", ""),
}


def trajectories(
    task: Task, seeds: Iterable[int], report: Callable[[str], None] = lambda line: None
) -> Iterator[Trajectory]:
    """``trajectory`` of every seed, built when its turn comes; ``report`` receives a line on the memory of each."""
    for seed in seeds:
        made = trajectory(task, seed)
        n_weights, schedule = made.config["n_weights"], _schedule(task.choices)
        report(
            f"{n_weights:,} weights, at most {schedule.most_references()} references held at once:"
            f" {schedule.memory(n_weights) / 2**20:,.0f} MiB"
        )
        yield made


def trajectory(task: Task, seed: int) -> Trajectory:
    """The training of the network of ``seed``, recorded as the ``training`` contract; ``.follow()`` runs it.

    Losses, accuracies and gradient noise are measured at 0, at ``measures_per_decade`` log-spaced updates per decade,
    at every waiting time, and at ``FINAL_MEASURES`` updates evenly spaced over the last third of the run, over which
    final values are averaged; displacements at all pairs of times of ``TwoTimeSchedule``. Raises ``QuenchError`` for a
    batch larger than the training set.
    """
    choices, network, schedule = task.choices, task.network(seed), _schedule(task.choices)
    images, classes = task.train(network)
    arithmetic = task.arithmetic
    probe = Probe(
        (images, classes),
        task.test(network),
        batch_size=choices.batch_size,
        seed=seed,
        method=choices.noise,
        n_draws=choices.noise_draws,
        n_batches=choices.noise_batches,
    )
    approach = log_spaced(1, choices.steps, choices.measures_per_decade)
    final = np.linspace(2 / 3 * choices.steps, choices.steps, FINAL_MEASURES).round().astype(int)
    measure_at = np.concatenate([[0], approach, schedule.waiting_times, final])
    more: dict[str, Any] = {}
    if task.backend == "reference":
        more = {"weight_decay": choices.weight_decay, "augmentation": choices.augmentation}
    updates = descent(task.backend, network, images, classes, task.order(seed), choices.rate, choices.momentum, **more)
    recorder = ClassifierRecorder(updates, schedule, measure_at, probe, choices.keep)
    n_classes = task.images.classes
    return Trajectory(
        "training",
        updates.state(),
        [Leg("sgd", choices.steps, updates.advance)],
        recorder.times,
        recorder,
        lambda state: table(recorder, seed, state.diverged_at).assign_attrs(arithmetic),
        config={
            **asdict(choices),
            **task.source,
            "n_weights": network.n_weights,
            "n_train": task.n_train,
            "n_test": len(task.sets.test_classes),
            "n_classes": n_classes,
            "constant_loss": network.loss.of_constant_predictor(n_classes),
            "noise_method": probe.method_for(network),
            "backend": task.backend,
        },
        inputs={"seed": seed, **arithmetic},
        name=f"seed-{seed}",
    )


def _schedule(choices: TrainingChoices) -> TwoTimeSchedule:
    return TwoTimeSchedule(choices.steps, choices.waiting_per_decade, choices.lags_per_decade, choices.windows)


def table(recorder: ClassifierRecorder, seed: int, diverged_at: np.ndarray) -> xr.Dataset:
    """The ``training`` contract of one network, from all that was recorded of it."""
    network, schedule, updates = recorder.descent.network, recorder.displacement.schedule, "updates"
    missing = np.full(len(recorder.measure_at), np.nan)
    curves = {
        name: described(recorder.curves.get(name, missing)[None], ("network", "time"), text, references=source)
        for name, (text, source) in _CURVES.items()
    }
    kept = np.full((len(recorder.keep_at), network.n_weights), np.nan, dtype=np.float32)
    for place, step in enumerate(recorder.keep_at):
        if int(step) in recorder.kept:
            kept[place] = recorder.kept[int(step)]
    return xr.Dataset(
        curves
        | {
            "displacement": described(
                recorder.displacement.table[None],
                ("network", "waiting_time", "start", "lag"),
                "Delta(t_w, t_w + t), mean square displacement from every start of the window of t_w",
                references=f"{_BJ}, Eq. 3",
            ),
            "weights": described(kept[None], ("network", "kept_time", "weight"), "weights"),
            "start_time": described(
                schedule.starts, ("waiting_time", "start"), "starts in [t_w, 1.1 t_w]; -1: none", updates
            ),
            "parameter": described(
                network.parameter_index, ("weight",), "parameter tensor of each weight, 0 at the input"
            ),
        },
        coords={
            "time": described(recorder.measure_at, ("time",), "updates since initialisation", updates),
            "waiting_time": described(schedule.waiting_times, ("waiting_time",), "t_w", updates),
            "lag": described(schedule.lags, ("lag",), "t", updates),
            "kept_time": described(recorder.keep_at, ("kept_time",), "updates since initialisation", updates),
            "seed": described([seed], ("network",), "seed of each network"),
            "diverged_at": described(
                diverged_at,
                ("network",),
                "updates after which a weight was first not finite; -1: never",
                updates,
            ),
        },
    )
