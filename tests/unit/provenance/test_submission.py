"""Jobs run with the rules and the code that their workflow started with; others are refused in one line."""

import os
import shutil
import subprocess
import sys

import pytest
from places import SOURCE

from quench.errors import QuenchError
from quench.provenance import steps, submission
from quench.provenance.fingerprint import all_fingerprints, fingerprint

MODULE = "quench.theory.finite_size"
DAY = 86400


@pytest.fixture(autouse=True)
def outside_of_any_workflow(monkeypatch):
    # Set first, so that it is restored whatever the test does.
    monkeypatch.setenv(submission.VARIABLE, "")
    submission.read.cache_clear()
    yield
    submission.read.cache_clear()


def record(folder, code, rules="r", days=30.0):
    return submission.record(folder, {"scenario": "s"}, rules, code, days)


def test_a_submission_is_read_by_every_process_started_later(tmp_path):
    assert submission.read() is None
    path = record(tmp_path, {"m": "1"})
    assert submission.read() == {"scenario": {"scenario": "s"}, "rules": "r", "code": {"m": "1"}}
    done = subprocess.run(
        [sys.executable, "-c", "from quench.provenance.submission import read; print(read()['code'])"],
        env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "{'m': '1'}"
    assert path.parent.name.startswith(".")


def test_submissions_do_not_replace_each_other_and_old_ones_are_removed(tmp_path):
    first = record(tmp_path, {"m": "1"})
    second = record(tmp_path, {"m": "2"})
    assert first.exists() and second.exists() and first != second
    assert record(tmp_path, {"m": "2"}) == second
    os.utime(first, (DAY, DAY))
    record(tmp_path, {"m": "2"})
    assert not first.exists() and second.exists()


def test_rules_and_code_other_than_submitted_are_refused(tmp_path):
    other = "quench.theory.brownian"
    record(tmp_path, {MODULE: fingerprint(MODULE), other: "1"})
    submission.check_rules("r")
    submission.check_code(MODULE, "quench.theory.harmonic")
    with pytest.raises(QuenchError, match="rules were edited"):
        submission.check_rules("s")
    with pytest.raises(QuenchError, match=f"{other}, or a module that it imports, was edited"):
        submission.check_code(MODULE, other)


def test_a_fingerprint_is_the_same_in_a_job_with_another_submission(tmp_path):
    before = fingerprint(MODULE)
    record(tmp_path, {MODULE: "1"})
    fingerprint.cache_clear()
    assert fingerprint(MODULE) == before
    with pytest.raises(QuenchError, match="was edited"):
        steps.code("pspin-simulate")


def test_a_missing_submission_restricts_no_job(tmp_path):
    record(tmp_path, {MODULE: "1"}).unlink()
    submission.read.cache_clear()
    submission.check_code(MODULE)


def test_rules_are_identified_by_their_text(tmp_path):
    (tmp_path / "a").write_text("rule a:")
    before = submission.rules_hash([tmp_path / "a"])
    (tmp_path / "a").write_text("rule b:")
    assert submission.rules_hash([tmp_path / "a"]) != before


def test_a_step_whose_code_was_edited_refuses_and_others_run(tmp_path):
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
        f"quench: {MODULE}, or a module that it imports, was edited while jobs of this workflow were running;"
        " start the workflow again"
    )
