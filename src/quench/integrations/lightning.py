"""``Trainer(callbacks=[RecordWeights(schedule, "run.nc")])`` of Lightning records the weights while it trains them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from quench.dynamics.schedule import Schedule
from quench.recording import Recorder, record


class RecordWeights(Callback):  # type: ignore[misc]
    """Records at the times of ``schedule``, in optimiser steps; arguments and ``options`` as for ``quench.record``.

    Several batches of one accumulated step count once, as in ``trainer.global_step``, which counts the steps of all
    optimisers. A training that resumes from a checkpoint resumes its recording. The loss is that of the last batch. Of
    several processes, the first one writes the file.
    """

    def __init__(self, schedule: Schedule | Iterable[int], path: str | Path, **options: Any) -> None:
        self._arguments, self._options = (schedule, path), options
        self._recorder: Recorder | None = None

    def on_train_start(self, trainer: Any, _module: Any) -> None:
        self._recorder = record(trainer.model, *self._arguments, step=trainer.global_step, **self._options)

    def on_train_batch_end(self, trainer: Any, _module: Any, outputs: Any, *_batch: Any) -> None:
        if self._recorder and trainer.global_step > self._recorder.updates:
            self._recorder.reach(trainer.global_step, outputs["loss"] if isinstance(outputs, Mapping) else outputs)

    def on_train_end(self, *_arguments: Any) -> None:
        if self._recorder:
            self._recorder.close()

    def on_exception(self, *_arguments: Any) -> None:
        self.on_train_end()
