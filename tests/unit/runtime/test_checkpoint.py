"""Checkpoints: intact or ignored, bound to their job, and removed when they are of no use."""

import os
import signal
import time

import numpy as np
import pytest

from quench.errors import QuenchError
from quench.runtime.checkpoint import Checkpoint, Interrupted, remove_stale

KEY = {"temperature": 0.1}


def work(tmp_path, key=KEY, **options):
    return Checkpoint(tmp_path / "run.nc", key, **options)


def saved_twice(tmp_path):
    """Two states of three and five rows, the second one newer."""
    with work(tmp_path) as checkpoint:
        checkpoint.save({"step": np.array(3)}, np.arange(6.0).reshape(3, 2))
        checkpoint.save({"step": np.array(5)}, 10 + np.arange(4.0).reshape(2, 2))
    return checkpoint


def loaded(tmp_path, key=KEY):
    with work(tmp_path, key) as checkpoint:
        saved = checkpoint.load()
        return None if saved is None else (int(saved.arrays["step"]), np.array(saved.rows).ravel().tolist())


ALL_ROWS = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 11.0, 12.0, 13.0]


def test_the_newest_state_is_loaded(tmp_path):
    saved_twice(tmp_path)
    assert loaded(tmp_path) == (5, ALL_ROWS)


def test_a_state_cut_short_at_any_byte_is_refused_and_the_previous_one_used(tmp_path, capsys):
    newest = saved_twice(tmp_path).folder / "state-0.bin"
    content = newest.read_bytes()
    for length in range(len(content)):
        newest.write_bytes(content[:length])
        assert loaded(tmp_path) == (3, ALL_ROWS[:6]), length
    assert capsys.readouterr().err.count("state-0.bin: damaged checkpoint, ignored") == len(content)


def test_a_state_with_any_byte_changed_is_refused(tmp_path):
    newest = saved_twice(tmp_path).folder / "state-0.bin"
    content = newest.read_bytes()
    for place in range(0, len(content), 7):
        newest.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert loaded(tmp_path) == (3, ALL_ROWS[:6]), place


def test_a_journal_cut_short_at_any_byte_invalidates_its_newest_state(tmp_path):
    journal = saved_twice(tmp_path).journal.path
    content = journal.read_bytes()
    for length in range(len(content) - 1, 6 * 8 - 1, -1):
        journal.write_bytes(content[:length])
        assert loaded(tmp_path) == (3, ALL_ROWS[:6]), length
    journal.write_bytes(content[:47])
    assert loaded(tmp_path) is None
    assert not journal.exists(), "a journal that cannot be used is removed"


def test_rows_of_a_broken_append_are_cut_off(tmp_path):
    journal = saved_twice(tmp_path).journal.path
    with open(journal, "ab") as file:
        file.write(b"\0" * 24)
    with work(tmp_path) as checkpoint:
        checkpoint.load()
        checkpoint.save({"step": np.array(6)}, np.array([[20.0, 21.0]]))
    assert loaded(tmp_path) == (6, [*ALL_ROWS, 20.0, 21.0])
    assert journal.stat().st_size == 12 * 8


def test_saving_appends_and_does_not_rewrite(tmp_path):
    with work(tmp_path) as checkpoint:
        checkpoint.save({"step": np.array(1)}, np.zeros((1000, 4)))
        journal = checkpoint.journal.path
        with open(journal, "r+b") as file:
            file.write(b"x")
        checkpoint.save({"step": np.array(2)}, np.ones((1, 4)))
        assert journal.read_bytes()[:1] == b"x"
        assert sum(path.stat().st_size for path in checkpoint.folder.glob("state-*")) < 2 * 1500


def test_states_of_another_job_are_ignored_and_removed(tmp_path, capsys):
    folder = saved_twice(tmp_path).folder
    assert loaded(tmp_path, {"temperature": 0.2}) is None
    assert "saved with another configuration" in capsys.readouterr().err
    assert not folder.exists()


def test_a_full_disk_keeps_the_last_state_and_the_job_continues(tmp_path, monkeypatch, capsys):
    with work(tmp_path) as checkpoint:
        checkpoint.save({"step": np.array(1)}, np.zeros((1, 2)))
        with monkeypatch.context() as broken:
            broken.setattr(
                os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device"))
            )
            checkpoint.save({"step": np.array(2)}, np.ones((1, 2)))
        assert "checkpoint not saved (No space left on device)" in capsys.readouterr().err
        assert checkpoint.journal.n_rows == 1
        checkpoint.save({"step": np.array(3)}, np.full((2, 2), 3.0))
    assert loaded(tmp_path) == (3, [0.0, 0.0, 3.0, 3.0, 3.0, 3.0])


def test_a_second_process_on_the_same_output_is_refused(tmp_path):
    with (
        work(tmp_path),
        pytest.raises(QuenchError, match=rf"process {os.getpid()} on .* is writing this file"),
        work(tmp_path, {"temperature": 0.3}),
    ):
        pass
    with work(tmp_path):
        pass


def test_a_removed_checkpoint_leaves_nothing_behind(tmp_path):
    saved_twice(tmp_path)
    with work(tmp_path) as checkpoint:
        checkpoint.load()
        checkpoint.remove()
    assert list(tmp_path.iterdir()) == []
    with work(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_due_after_the_declared_seconds(tmp_path):
    now = [0.0]
    checkpoint = work(tmp_path, every=60.0, clock=lambda: now[0])
    now[0] = 59.9
    assert not checkpoint.due()
    now[0] = 60.0
    assert checkpoint.due()
    with checkpoint:
        checkpoint.save({})
        now[0] = 119.0
        assert not checkpoint.due()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_saves_and_stops(tmp_path, number, capsys):
    before = signal.getsignal(number)
    checkpoint = work(tmp_path)
    with pytest.raises(Interrupted) as left, checkpoint, checkpoint.listening():
        assert not checkpoint.due()
        os.kill(os.getpid(), number)
        assert checkpoint.due()
        checkpoint.save({"step": np.array(7)})
    assert left.value.code == 128 + number
    assert signal.getsignal(number) is before
    assert f"stopped by {number.name}; run the same command again to resume" in capsys.readouterr().err
    assert loaded(tmp_path) == (7, [])


def test_a_second_signal_during_a_save_changes_nothing(tmp_path, monkeypatch):
    really = os.fsync

    def signalled(descriptor):
        os.kill(os.getpid(), signal.SIGTERM)
        really(descriptor)

    checkpoint = work(tmp_path)
    monkeypatch.setattr(os, "fsync", signalled)
    with pytest.raises(Interrupted) as left, checkpoint, checkpoint.listening():
        os.kill(os.getpid(), signal.SIGINT)
        checkpoint.save({"step": np.array(7)}, np.ones((1, 2)))
    assert left.value.code == 128 + signal.SIGTERM
    monkeypatch.setattr(os, "fsync", really)
    assert loaded(tmp_path) == (7, [1.0, 1.0])


def test_a_signal_after_the_last_save_is_not_lost(tmp_path):
    checkpoint = work(tmp_path)
    with pytest.raises(Interrupted), checkpoint, checkpoint.listening():
        os.kill(os.getpid(), signal.SIGTERM)


def test_stale_checkpoints_are_removed_and_others_stay(tmp_path):
    old, young, busy = (Checkpoint(tmp_path / "snapshots" / f"{name}.nc", KEY) for name in ("old", "young", "busy"))
    for checkpoint in (old, young, busy):
        with checkpoint:
            checkpoint.save({"step": np.array(1)})
    long_ago = time.time() - 31 * 86400
    for checkpoint in (old, busy):
        for path in checkpoint.folder.iterdir():
            os.utime(path, (long_ago, long_ago))
    with busy:
        assert remove_stale(tmp_path, days=30) == [old.folder]
    assert not old.folder.exists()
    assert young.folder.exists()
    assert busy.folder.exists()
