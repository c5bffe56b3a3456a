"""Jobs are held to what their workflow started with: other rules or other code are refused, in one line."""

import os
import shutil
import subprocess
import sys

import pytest
from places import SOURCE

from quench.errors import QuenchError
from quench.provenance import submission
from quench.provenance.fingerprint import all_fingerprints, fingerprint

MODULE = "quench.theory.finite_size"
DAY = 86400


@pytest.fixture(autouse=True)
def outside_of_any_workflow(monkeypatch):
    # Set first, so that it is taken back whatever the test does.
    monkeypatch.setenv(submission.VARIABLE, "")
    submission.read.cache_clear()
    yield
    submission.read.cache_clear()


def record(folder, code, rules="r", days=30.0):
    return submission.record(folder, {"scenario": "s"}, rules, code, days)


def test_what_was_recorded_is_read_by_every_process_started_later(tmp_path):
    assert submission.read() is None
    path = record(tmp_path, {"m": "1"})
    assert submission.read() == {"scenario": {"scenario": "s"}, "rules": "r", "code": {"m": "1"}}
    told = subprocess.run(
        [sys.executable, "-c", "from quench.provenance.submission import read; print(read()['code'])"],
        env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == "{'m': '1'}"
    assert path.parent.name.startswith(".")


def test_submissions_do_not_replace_each_other_and_go_when_they_are_old(tmp_path):
    first = record(tmp_path, {"m": "1"})
    second = record(tmp_path, {"m": "2"})
    assert first.exists() and second.exists() and first != second
    assert record(tmp_path, {"m": "2"}) == second
    os.utime(first, (DAY, DAY))
    record(tmp_path, {"m": "2"})
    assert not first.exists() and second.exists()


def test_rules_and_code_other_than_submitted_are_refused(tmp_path):
    record(tmp_path, {"m": "1"})
    submission.check_rules("r")
    submission.check_code("m", "1")
    submission.check_code("of which nothing was said", "1")
    with pytest.raises(QuenchError, match="rules were edited"):
        submission.check_rules("s")
    with pytest.raises(QuenchError, match="m, or what it imports, was edited"):
        submission.check_code("m", "2")


def test_a_submission_that_is_not_there_holds_nobody(tmp_path):
    record(tmp_path, {"m": "1"}).unlink()
    submission.read.cache_clear()
    submission.check_code("m", "2")


def test_rules_are_told_apart_by_their_text(tmp_path):
    (tmp_path / "a").write_text("rule a:")
    before = submission.rules_hash([tmp_path / "a"])
    (tmp_path / "a").write_text("rule b:")
    assert submission.rules_hash([tmp_path / "a"]) != before


def test_a_step_whose_code_was_edited_refuses_and_others_work(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    path = record(tmp_path, all_fingerprints())

    def simulate():
        words = ["--spins", "8", "--seeds", "0,1", "--replicas", "2", "--times", "0.1", "--step", "0.1"]
        return subprocess.run(
            [sys.executable, "-m", "quench", "pspin-simulate", *words, "-o", "out.nc"],
            env=os.environ | {"PYTHONPATH": str(tmp_path / "src"), submission.VARIABLE: str(path)},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    with open(tmp_path / "src/quench/figures/kwj/fig3.py", "a") as other:
        other.write("\n_ADDED = 1\n")
    assert simulate().returncode == 0
    (tmp_path / "out.nc").unlink()
    with open(tmp_path / "src/quench/theory/finite_size.py", "a") as own:
        own.write("\n_ADDED = 1\n")
    ended = simulate()
    assert ended.returncode == 2 and not (tmp_path / "out.nc").exists()
    assert ended.stderr.strip().splitlines()[-1] == (
        f"quench: {MODULE}, or what it imports, was edited while this workflow's jobs were under way;"
        " start the workflow again"
    )
    assert fingerprint(MODULE)
