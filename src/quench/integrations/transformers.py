"""``Trainer(callbacks=[RecordWeights(schedule, "run.nc")])`` of Hugging Face records the weights while it trains them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn
from transformers import TrainerCallback

from quench.dynamics.schedule import Schedule
from quench.recording import Recorder, record
from quench.recording.weights import is_sharded


class RecordWeights(TrainerCallback):  # type: ignore[misc]
    """Records at the times of ``schedule``, in optimiser steps; arguments and ``options`` as for ``quench.record``.

    Several batches of one accumulated step count once, as in ``state.global_step``. A training that resumes from a
    checkpoint resumes its recording. The trainer gives its callbacks no loss. Of several processes, the first one writes
    the file.
    """

    def __init__(self, schedule: Schedule | Iterable[int], path: str | Path, **options: Any) -> None:
        self._arguments, self._options = (schedule, path), options
        self._recorder: Recorder | None = None

    def on_train_begin(self, _args: Any, state: Any, _control: Any, *, model: nn.Module, **_others: Any) -> None:
        self.on_train_end()  # of a training that an error has ended
        # All processes that hold a part must read it.
        if state.is_world_process_zero or any(map(is_sharded, model.parameters())):
            self._recorder = record(model, *self._arguments, step=state.global_step, **self._options)

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_others: Any) -> None:
        if self._recorder:
            self._recorder.reach(state.global_step)

    def on_train_end(self, *_arguments: Any, **_others: Any) -> None:
        if self._recorder:
            self._recorder.close()
