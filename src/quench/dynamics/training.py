"""Follow a trajectory in a process that may be killed, from its last checkpoint to the file of its result."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from quench.dynamics.trajectory import Journalled, Recorder, State, Trajectory, follow
from quench.errors import QuenchError
from quench.provenance import submission
from quench.runtime import signals
from quench.runtime.checkpoint import Checkpoint, Saved
from quench.runtime.progress import Progress
from quench.store import files

# A state younger than this is not worth a last save before the output is written.
LAST_SAVE_SECONDS = 5.0
_STATE = "state "


def complete(trajectory: Trajectory, output: Path, *, code: str, title: str, checkpoint_every: float) -> None:
    """Follow ``trajectory`` from its last checkpoint to the end, write its result to ``output`` and remove the checkpoint.

    ``code`` is the fingerprint of what makes the result. A signal stops the job within about the time of one step or
    ``trajectory.SEGMENT_SECONDS``, its state saved; while the output is being written it stops at once, the state having
    been saved before.
    """
    _complete(trajectory, output, _key(trajectory, code), trajectory.config, code, title, checkpoint_every)


def complete_parts(
    trajectories: Iterable[Trajectory], along: str, output: Path, *, code: str, title: str, checkpoint_every: float
) -> None:
    """``complete`` the ``trajectories`` of one configuration in turn, and write their results joined ``along`` a dimension.

    Finished parts wait in a hidden folder beside ``output``, in a workflow until it ends, so that a killed job does none of
    them again.
    """
    folder = output.parent / f".{output.stem}.parts"

    def part(trajectory: Trajectory) -> xr.Dataset:
        path, key = folder / f"{trajectory.name}.nc", _key(trajectory, code)
        made = _finished(path, trajectory.kind, key)
        if made is None:
            _complete(trajectory, path, key, key, code, f"{title}: {trajectory.name}", checkpoint_every)
            made = files.read(path, trajectory.kind)
        return made

    parts = [part(trajectory) for trajectory in trajectories]
    kind, config = parts[0].attrs["kind"], files.config_of(parts[0])["config"]
    with signals.defer_interrupt():
        files.write(files.concat_chunks(parts, along), output, kind=kind, config=config, code=code)
        if not _in_workflow():
            shutil.rmtree(folder, ignore_errors=True)


def _key(trajectory: Trajectory, code: str) -> dict[str, Any]:
    """All that decides the result of ``trajectory``: a checkpoint or a part under another key is not used."""
    return {"config": trajectory.config, "code": code, **trajectory.inputs}


def _complete(
    trajectory: Trajectory,
    output: Path,
    key: Mapping[str, Any],
    config: Mapping[str, Any],
    code: str,
    title: str,
    checkpoint_every: float,
) -> None:
    state, recorder = trajectory.state, trajectory.recorder
    with Checkpoint(output, {**key, "packages": files.versions()}, checkpoint_every) as checkpoint:
        if _kept(checkpoint, trajectory.kind):
            print(f"quench: {title}: was complete before; its result is taken", file=sys.stderr)
            return
        saved = checkpoint.load()
        if saved is not None:
            restore(state, recorder, saved)
            print(f"quench: {title}: resumes from step {state.step:,}", file=sys.stderr)

        def pause(state: State, leg: str) -> None:
            progress.report(state.step, leg, recorder.last_loss)
            if checkpoint.due():
                save(checkpoint, state, recorder)

        n_steps = sum(leg.n_steps for leg in trajectory.legs)
        with checkpoint.listening(), Progress(title, n_steps) as progress:
            follow(state, trajectory.legs, trajectory.times, recorder.record, pause)
            if checkpoint.due() or checkpoint.age > LAST_SAVE_SECONDS:
                save(checkpoint, state, recorder)
        # A Ctrl-C that comes when the work is done leaves nothing behind.
        with signals.defer_interrupt():
            files.write(trajectory.result(state), output, kind=trajectory.kind, config=config, code=code)
            if _in_workflow():
                checkpoint.keep_result()
            else:
                checkpoint.remove()


def _in_workflow() -> bool:
    """True where a main process will record the result and remove what the job keeps until then."""
    return submission.VARIABLE in os.environ


def _kept(checkpoint: Checkpoint, kind: str) -> bool:
    """Give the result of an earlier try its name again, if it is intact."""
    kept = checkpoint.kept_result()
    if kept is None:
        return False
    try:
        files.read(kept, kind)
    except QuenchError as error:
        print(f"quench: {error}; made again", file=sys.stderr)
        return False
    checkpoint.take_result()
    return True


def save(checkpoint: Checkpoint, state: State, recorder: Recorder) -> None:
    """Save the state and all that the recorder knows; rows of a journal are appended."""
    arrays = {_STATE + name: value for name, value in state.arrays().items()}
    rows = recorder.rows(checkpoint.journal.n_rows) if isinstance(recorder, Journalled) else np.empty((0, 0))
    checkpoint.save(arrays | recorder.memory(), rows)


def restore(state: State, recorder: Recorder, saved: Saved) -> None:
    """Resume ``state`` and ``recorder`` from what ``save`` wrote."""
    state.restore({name.removeprefix(_STATE): a for name, a in saved.arrays.items() if name.startswith(_STATE)})
    recorder.restore({name: a for name, a in saved.arrays.items() if not name.startswith(_STATE)})
    if isinstance(recorder, Journalled):
        recorder.restore_rows(saved.rows)


def _finished(path: Path, kind: str, key: Mapping[str, Any]) -> xr.Dataset | None:
    """The finished part at ``path`` if it is intact and has this ``key``; None if it must be made."""
    if not path.exists():
        return None
    try:
        part = files.read(path, kind)
    except QuenchError as error:
        print(f"quench: {error}; made again", file=sys.stderr)
        return None
    return part if files.config_of(part) == files.plain(key) else None
