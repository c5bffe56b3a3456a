"""Trajectories of a process that is killed: the same bits from any checkpoint; files complete or absent."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics import training
from quench.dynamics.recorders import Snapshots
from quench.dynamics.trajectory import Leg, State, Trajectory, follow
from quench.errors import QuenchError
from quench.numerics.random import normals
from quench.provenance import submission
from quench.runtime.checkpoint import KEPT, Checkpoint, remove_recorded
from quench.store import files

N_WEIGHTS = 7
SEEDS = (3, 5)


class Well:
    """A harmonic well in place of the training problem: the loss of a network is |w|^2 / 2."""

    class architecture:
        n_weights = N_WEIGHTS

    def loss(self, weights):
        return np.square(weights).sum(axis=1) / 2, np.ones(len(weights))


def walk(weights, first_step, n_steps):
    """Noisy descent keyed by step; the second network diverges at step 37."""
    diverged = np.full(len(weights), -1)
    for step in range(first_step, first_step + n_steps):
        for network, seed in enumerate(SEEDS):
            if np.isfinite(weights[network]).all():
                weights[network] += -0.1 * weights[network] + 0.01 * normals(seed, 1, step, N_WEIGHTS)
                if network == 1 and step == 37:
                    weights[network, 0] = np.nan
                    diverged[network] = step + 1
    return diverged


LEGS = [Leg("first", 20, walk), Leg("none", 0, walk), Leg("second", 60, walk)]
TIMES = [0, 1, 2, 19, 20, 50, 80]


def start():
    return State(np.ones((2, N_WEIGHTS))), Snapshots(Well(), 0.1, 2, len(TIMES))


def result(state, recorder):
    return recorder.weights.tobytes(), recorder.table()["loss"].tobytes(), state.diverged_at.tolist(), state.step


def unbroken():
    state, recorder = start()
    follow(state, LEGS, TIMES, recorder.record)
    return result(state, recorder)


def test_recordings_are_at_the_declared_times_and_the_diverged_network_is_dated():
    state, recorder = start()
    steps = []
    follow(state, LEGS, TIMES, lambda state: steps.append(state.step) or recorder.record(state))
    assert steps == TIMES
    assert state.diverged_at.tolist() == [-1, 58], "20 steps of the first leg and 38 of the second"
    assert np.isfinite(recorder.weights[0]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 25), max_size=6), st.integers(1, 9))
def test_cut_anywhere_it_gives_the_same_bits(tmp_path_factory, stops, seconds_a_step):
    """Each life ends at its n-th pause; ``seconds_a_step`` makes the stretches between pauses long or short."""
    output = tmp_path_factory.mktemp("cut") / "run.nc"
    now = [0.0]

    def slow(weights, first_step, n_steps):
        now[0] += n_steps * seconds_a_step / 30
        return walk(weights, first_step, n_steps)

    legs = [Leg(leg.name, leg.n_steps, slow) for leg in LEGS]
    for stop in [*stops, None]:
        state, recorder = start()
        with Checkpoint(output, {}) as checkpoint:
            saved = checkpoint.load()
            if saved is not None:
                training.restore(state, recorder, saved)
            left = [stop]

            def pause(state, leg, left=left, checkpoint=checkpoint, recorder=recorder):
                if left[0] is not None:
                    if left[0] == 0:
                        training.save(checkpoint, state, recorder)
                        raise KeyboardInterrupt
                    left[0] -= 1

            try:
                follow(state, legs, TIMES, recorder.record, pause, clock=lambda: now[0])
            except KeyboardInterrupt:
                continue
        assert result(state, recorder) == unbroken()
        return


def well(name="", after=lambda: None):
    """A trajectory in the well, which calls ``after`` in every leg."""
    state, recorder = start()

    def counted(weights, first_step, n_steps):
        after()
        return walk(weights, first_step, n_steps)

    def result(state):
        return xr.Dataset(
            {
                "weights": (("network", "weight"), state.weights),
                "loss": (("network", "time"), recorder.table()["loss"]),
            },
            coords={"seed": ("network", list(SEEDS)), "diverged_at": ("network", state.diverged_at)},
        )

    legs = [Leg(leg.name, leg.n_steps, counted) for leg in LEGS]
    return Trajectory("pretrained", state, legs, TIMES, recorder, result, {"depth": 2}, {"point": name}, name)


def killed(output):
    """A job that ends in its seventh segment, after six checkpoints."""
    segments = []

    def count():
        segments.append(1)
        if len(segments) == 7:
            raise MemoryError

    with pytest.raises(MemoryError):
        training.complete(well(after=count), output, **HOW)


HOW = {"code": "c0de", "title": "test", "checkpoint_every": 0.0}


def test_result_of_a_trajectory_is_written_with_its_config_and_nothing_else_stays(tmp_path):
    training.complete(well(), tmp_path / "out.nc", **HOW)
    written, followed = files.read(tmp_path / "out.nc", "pretrained"), well().follow()
    assert written.drop_attrs().identical(followed.drop_attrs())
    assert files.config_of(written) == files.config_of(followed) == {"depth": 2}
    assert written.attrs["code_fingerprint"] == "c0de"
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]


def test_job_that_is_killed_resumes_from_its_checkpoint(tmp_path, capsys):
    killed(tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()
    training.complete(well(), tmp_path / "out.nc", **HOW)
    assert "test: resumes from step " in capsys.readouterr().err
    assert files.read(tmp_path / "out.nc").drop_attrs().identical(well().follow().drop_attrs())


def test_checkpoint_of_other_inputs_is_not_used(tmp_path, capsys):
    killed(tmp_path / "out.nc")
    training.complete(well("other"), tmp_path / "out.nc", **HOW)
    assert "resumes" not in capsys.readouterr().err


def test_finished_parts_are_not_made_again(tmp_path):
    made = []

    def parts(fail_at=None):
        for name in ("a", "b", "c"):
            if name == fail_at:
                raise MemoryError
            yield well(name, after=lambda name=name: made.append(name))

    with pytest.raises(MemoryError):
        training.complete_parts(parts("c"), "network", tmp_path / "out.nc", **HOW)
    waiting = tmp_path / ".out.parts"
    assert sorted(path.name for path in waiting.iterdir()) == ["a.nc", "b.nc"]
    # A damaged part is made again.
    (waiting / "b.nc").write_bytes((waiting / "b.nc").read_bytes()[:500])
    made.clear()
    training.complete_parts(parts(), "network", tmp_path / "out.nc", **HOW)
    assert set(made) == {"b", "c"}
    joined = files.read(tmp_path / "out.nc", "pretrained")
    assert joined.sizes["network"] == 6 and files.config_of(joined) == {"depth": 2}
    assert np.array_equal(joined["weights"][4:], well().follow()["weights"], equal_nan=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.nc"]


def never():
    raise AssertionError("trained again")


def test_result_that_a_workflow_throws_away_is_taken_again(tmp_path, monkeypatch, capsys):
    """A job may be cancelled after its end and before the main process has recorded the result."""
    monkeypatch.setenv(submission.VARIABLE, str(tmp_path / "submission.json"))
    output, parted = tmp_path / "out.nc", tmp_path / "parted.nc"
    training.complete(well(), output, **HOW)
    training.complete_parts([well("a"), well("b")], "network", parted, **HOW)
    made = output.read_bytes()
    for path in (output, parted):
        path.unlink()
    training.complete(well(after=never), output, **HOW)
    training.complete_parts([well("a", after=never), well("b", after=never)], "network", parted, **HOW)
    assert "test: was complete before; its result is taken" in capsys.readouterr().err
    assert output.read_bytes() == made
    assert files.read(parted).sizes["network"] == 4
    # Another job does not take it, and a damaged one is made again.
    training.complete(well("other"), output, **HOW)
    assert "taken" not in capsys.readouterr().err
    kept = tmp_path / ".out.checkpoint" / KEPT
    output.unlink()
    kept.write_bytes(kept.read_bytes()[:-9])
    training.complete(well("other"), output, **HOW)
    assert "made again" in capsys.readouterr().err
    # The end of the workflow removes the second names.
    (tmp_path / ".absent.checkpoint").mkdir()
    (tmp_path / ".absent.checkpoint" / KEPT).write_text("not recorded")
    remove_recorded(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".absent.checkpoint", "out.nc", "parted.nc"]


def test_inputs_that_do_not_fit_leave_nothing_behind(tmp_path):
    def unfit():
        raise QuenchError("labels")
        yield

    with pytest.raises(QuenchError):
        training.complete_parts(unfit(), "network", tmp_path / "out.nc", **HOW)
    assert not list(tmp_path.iterdir())
