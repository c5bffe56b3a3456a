"""A run whose observables are measured while it is integrated, so that no snapshot is kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from quench.dynamics.problem import Problem
from quench.dynamics.run import Recording
from quench.dynamics.schedule import Schedule
from quench.observables import streamed_file
from quench.observables.pairs import Pairs, chosen_lags
from quench.observables.streaming import Streamed


def recording(
    task: Problem,
    weight_decay: float,
    sigma: np.ndarray,
    schedule: Schedule,
    *,
    chis: Sequence[float],
    motility_lags: Sequence[int] = (),
    hidden_only: bool = False,
) -> Recording:
    """Overlap, displacement and motility of every pair of waiting time and lag: the ``streamed`` contract.

    For ``quench.dynamics.run.trajectory``, with ``chis`` and the rest bound to it. epsilon = sigma / chi for each of the
    ``chis`` (KWJ Eq. 14); ``motility_lags`` are the lags with a histogram (none: one per decade and the longest);
    ``hidden_only`` leaves out the output layer.
    """
    layer = task.architecture.layer_index
    counted = layer < layer.max() if hidden_only else layer >= 0
    pairs = Pairs(
        sorted(schedule.waiting_times),
        schedule.lags,
        chosen_lags(motility_lags, schedule.lags),
        sigma / [[chi] for chi in chis],
    )
    recorder = Streamed(task, weight_decay, pairs, counted)

    def build(**known: np.ndarray) -> xr.Dataset:
        counts = {"n_weights": int(counted.sum()), "hidden_only": hidden_only}
        return streamed_file.build(pairs, tuple(chis), **counts, **recorder.table(), **known)

    choices = {"chis": list(chis), "motility_lags": list(motility_lags), "hidden_only": hidden_only}
    return Recording("streamed", recorder, build, choices)
