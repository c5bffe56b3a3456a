"""Observables measured during training, and the streamed file that holds them in place of snapshots."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from quench.dynamics.accumulated_noise import AccumulatedNoise
from quench.dynamics.problem import Problem
from quench.dynamics.recorders import LossCurve
from quench.dynamics.run import Recording
from quench.dynamics.schedule import Schedule
from quench.dynamics.trajectory import State
from quench.observables import table
from quench.observables.accumulator import TwoTimeObservables, chosen_lags
from quench.observables.mobility import MobilityRecorder
from quench.store import snapshots
from quench.store.contracts import Wanted
from quench.store.variables import described


class Streamed(LossCurve):
    """Recorder of the losses, and of ``observables`` at the pairs of ``schedule``, of the weights ``counted`` (weight).

    ``weights`` (network, weight): those at the end of training. Overlap lengths are sigma / chi for every chi of ``chis``,
    with ``sigma`` (network) the standard deviation of those counted. ``motility_lags``: lags with a histogram, as
    ``chosen_lags`` takes them. ``hidden_only``: leave out the output layer. ``mobility``: a waiting time and lag at which
    single weights are measured. ``noise`` of the dynamics, where it has any. Of the weights only the references of open
    waiting times are kept.
    """

    def __init__(
        self,
        problem: Problem,
        weight_decay: float,
        schedule: Schedule,
        weights: np.ndarray,
        chis: Sequence[float],
        motility_lags: Sequence[int] = (),
        hidden_only: bool = False,
        mobility: tuple[int, int] | None = None,
        noise: AccumulatedNoise | None = None,
    ) -> None:
        super().__init__(problem, weight_decay)
        layer = problem.architecture.layer_index
        self.chis, self.hidden_only, self.noise = tuple(chis), hidden_only, noise
        self.counted = layer < layer.max() if hidden_only else layer >= 0
        self.sigma = np.ascontiguousarray(weights[:, self.counted]).std(axis=1)
        self.observables = TwoTimeObservables(
            sorted(schedule.waiting_times),
            schedule.lags,
            chosen_lags(motility_lags, schedule.lags),
            self.sigma / [[chi] for chi in chis],
            layer[self.counted],
        )
        self.mobility = MobilityRecorder(problem, *mobility) if mobility else None

    def record(self, state: State) -> None:
        super().record(state)
        others = {} if self.noise is None else self.noise.advance_to(state.step)
        now = {name: values[:, self.counted] for name, values in {"weights": state.weights, **others}.items()}
        self.observables.record(state.step, **now)
        if self.mobility:
            self.mobility.record(state.step, state.weights)

    def memory(self) -> dict[str, np.ndarray]:
        more = [one.memory() for one in (self.noise, self.mobility) if one is not None]
        return functools.reduce(operator.or_, more, super().memory() | self.observables.memory())

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        super().restore(memory)
        self.observables.restore(memory)
        for one in (self.noise, self.mobility):
            if one is not None:
                one.restore(memory)

    def dataset(self, times: np.ndarray, **networks: np.ndarray) -> xr.Dataset:
        """The ``streamed`` contract from what was recorded at ``times``; ``networks``: seeds and diverged_at.

        Tables have the dimensions of ``quench.observables.table``, behind a dimension chi where they depend on it.
        """
        measured = self.observables
        variables = {
            one.name: described(
                measured.tables[one.name], ("chi", *one.dims) if one.per_chi else one.dims, one.long_name, one.units
            )
            for one in table.MEASURED
            if one.name in measured.tables
        }
        variables |= table.coordinates(measured.waiting_times, measured.lags, measured.motility_lags, measured.layers)
        variables |= {
            "largest": described(measured.largest, ("network",), "largest |w| on the way"),
            "n_weights": described(self.counted.sum(), (), "number of weights"),
            "hidden_only": described(int(self.hidden_only), (), "1 where the output layer is left out"),
            "chi": described(self.chis, ("chi",), "sigma / epsilon, the overlap length epsilon being measured in it"),
        }
        if self.mobility:
            variables |= self.mobility.variables()
        return snapshots.along(times, sigma=self.sigma, **self.table(), **networks).assign(variables)


def recording(
    task: Problem,
    weight_decay: float,
    weights: np.ndarray,
    schedule: Schedule,
    noise: AccumulatedNoise | None = None,
    *,
    chis: Sequence[float],
    motility_lags: Sequence[int] = (),
    hidden_only: bool = False,
    mobility: tuple[int, int] | None = None,
) -> Recording:
    """All observables at every pair of waiting time and lag, as ``Streamed`` records them: the ``streamed`` contract.

    For ``quench.dynamics.run.trajectory``, with ``chis`` and the rest bound to it.
    """
    recorder = Streamed(task, weight_decay, schedule, weights, chis, motility_lags, hidden_only, mobility, noise)
    choices = {
        "chis": list(chis),
        "motility_lags": list(motility_lags),
        "hidden_only": hidden_only,
        "mobility": mobility,
    }
    return Recording("streamed", recorder, recorder.dataset, choices)


def contract() -> dict[str, Wanted]:
    """What a streamed file must hold, by name."""
    return table.contract(table.MEASURED, streamed=True)
