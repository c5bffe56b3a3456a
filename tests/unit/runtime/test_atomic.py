"""Atomic writes: a file is complete, or it is what it was before."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from places import SOURCE

from quench.errors import QuenchError
from quench.runtime.atomic import atomic, remove_leftovers


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_error_during_a_write_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "file.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert entries(tmp_path) == []


def test_error_during_a_write_keeps_the_old_file(tmp_path):
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "file.txt") as temporary:
        temporary.write_text("new, but")
        raise KeyboardInterrupt
    assert (tmp_path / "file.txt").read_text() == "old"
    assert entries(tmp_path) == ["file.txt"]


def test_killed_writer_leaves_no_incomplete_file(tmp_path):
    """SIGKILL, which no code can catch, during a write: there is no file of that name, or the old one."""
    script = f"""
import os, signal
from quench.runtime.atomic import atomic
with atomic({str(tmp_path / "file.nc")!r}) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    for before in (None, b"old"):
        if before is not None:
            (tmp_path / "file.nc").write_bytes(before)
        ended = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(SOURCE)}, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert (tmp_path / "file.nc").exists() == (before is not None)
        if before is not None:
            assert (tmp_path / "file.nc").read_bytes() == before


def test_two_writers_do_not_share_a_temporary_name(tmp_path):
    with atomic(tmp_path / "a.nc") as first, atomic(tmp_path / "a.png") as second:
        assert first != second and first.suffix == ".nc" and str(os.getpid()) in first.name
        first.write_text("1")
        second.write_text("2")
    assert entries(tmp_path) == ["a.nc", "a.png"]


def test_temporary_files_of_killed_writers_are_removed(tmp_path):
    script = (
        "import os, signal, sys\nfrom quench.runtime.atomic import atomic\n"
        "with atomic(sys.argv[1]) as path:\n    path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    output = tmp_path / "run[1].nc"
    subprocess.run([sys.executable, "-c", script, str(output)], env=environment, check=False)
    others = [tmp_path / ".run[1].nc", tmp_path / ".run[1].12x.nc", tmp_path / ".run[1].12.pdf"]
    for other in others:
        other.touch()
    assert len(list(tmp_path.iterdir())) == 4
    remove_leftovers(output)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "scratch").mkdir()
    for name in ("old.nc", "new.nc"):
        (tmp_path / f"link-{name}").symlink_to(f"scratch/{name}")
    (tmp_path / "scratch" / "old.nc").write_text("old")
    for name in ("old.nc", "new.nc"):
        with atomic(tmp_path / f"link-{name}") as temporary:
            assert temporary.parent == tmp_path / "scratch"
            temporary.write_text("written")
        assert (tmp_path / f"link-{name}").is_symlink()
        assert (tmp_path / "scratch" / name).read_text() == "written"
    assert entries(tmp_path / "scratch") == ["new.nc", "old.nc"]


def test_suffix_of_a_link_decides_the_format(tmp_path):
    (tmp_path / "picture.png").symlink_to("content")
    with atomic(tmp_path / "picture.png") as temporary:
        assert temporary.suffix == ".png"
        temporary.touch()


def test_folder_pipe_and_device_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for output, reason in ((tmp_path / "pipe", "plain file"), (Path(os.devnull), "plain file"), (tmp_path, "folder")):
        with pytest.raises(QuenchError, match=reason), atomic(output):
            raise AssertionError("refused before anything is written")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode) and entries(tmp_path) == ["pipe"]


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with atomic("~/file.txt") as temporary:
        temporary.touch()
    assert entries(tmp_path) == ["home"] and entries(tmp_path / "home") == ["file.txt"]
