"""`quench status`: states of jobs from Snakemake's list, logs and checkpoints."""

import os
import time

import pytest

from quench.pipeline.status import left, tracked
from quench.runtime.checkpoint import Checkpoint

RESULTS = "results/smoke"
TABLE = "output_file\tdate\trule\tlog-file(s)\tstatus\tplan\n"
DONE = "quench: took 12.0 s, 20.0 s of processor time, 100 MB at most, on AMD EPYC, 2 cores\n"


class Workflow:
    """A folder as Snakemake and the jobs leave it."""

    def __init__(self, folder):
        self.folder, self.rows = folder, TABLE

    def listed(self, path, rule, pending, status=None):
        status = status or ("missing" if pending else "ok")
        self.rows += f"{RESULTS}/{path}\t-\t{rule}\t-\t{status}\t{'update pending' if pending else 'no update'}\n"

    def wrote(self, path, text=""):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def log(self, path, text):
        return self.wrote(f"{RESULTS}/logs/{path}.log", text)

    def states(self):
        return {f"{job.rule} {job.name}": job.state for job in tracked(self.rows, self.folder)}


@pytest.fixture
def workflow(tmp_path):
    return Workflow(tmp_path)


def at_work(workflow):
    workflow.wrote(".snakemake/locks/0.output.lock")


def test_files_of_one_job_are_one_job(workflow):
    for form in ("pdf", "png", "nc", "svg"):
        workflow.listed(f"figures/kwj_fig3.{form}", "figure", pending=form == "svg")
    for form in ("csv", "json"):
        workflow.listed(f"claims.{form}", "claims", pending=False)
    workflow.listed("report/index.html", "report", pending=True)
    assert workflow.states() == {"figure kwj_fig3": "waiting", "claims claims": "done", "report report": "waiting"}


def test_job_that_ended_without_its_output_failed_and_its_last_lines_are_kept(workflow):
    workflow.listed("data/mnist.nc", "dataset", pending=True)
    workflow.log("data/mnist", "one\n\ntwo\nquench: no such file\n")
    (job,) = tracked(workflow.rows, workflow.folder)
    assert job.state == "failed" and job.last_words(2) == ["two", "quench: no such file"]


def test_stopped_job_that_snakemake_tries_again_has_not_failed(workflow):
    workflow.listed("snapshots/a/T1/0-1.nc", "run", pending=True)
    log = workflow.log("snapshots/a/T1/0-1", "quench: stopped by SIGTERM; run the same command again\n")
    at_work(workflow)
    workflow.wrote(
        ".snakemake/log/2026.snakemake.log",
        f"Error in rule run:\n    jobid: 3\n    log: {log.relative_to(workflow.folder)} (check log file(s) for details)\n",
    )
    assert workflow.states() == {"run a/T1/0-1": "failed"}
    workflow.wrote(f"{RESULTS}/snapshots/a/T1/.0-1.checkpoint/state-0.bin")
    assert workflow.states() == {"run a/T1/0-1": "stopped"}


def test_missing_file_that_is_not_made_again_was_deleted(workflow):
    workflow.listed("data/mnist.nc", "dataset", pending=False, status="missing")
    workflow.listed("claims.csv", "claims", pending=False)
    assert workflow.states() == {"dataset mnist": "deleted", "claims claims": "done"}
    assert left(tracked(workflow.rows, workflow.folder)) == 0.0
    # Beside an unpacked archive it never existed.
    workflow.wrote(f"{RESULTS}/SHA256SUMS")
    assert workflow.states() == {"dataset mnist": "done", "claims claims": "done"}


def test_job_whose_inputs_changed_has_not_failed(workflow):
    workflow.listed("data/mnist.nc", "dataset", pending=True, status="params changed")
    workflow.log("data/mnist", DONE)
    workflow.wrote(f"{RESULTS}/data/mnist.nc")
    (job,) = tracked(workflow.rows, workflow.folder)
    assert (job.state, job.reason) == ("waiting", "params changed")


def test_while_snakemake_works_a_new_log_is_a_running_job_and_an_old_one_is_not(workflow):
    for name in ("old", "new", "broken"):
        workflow.listed(f"data/{name}.nc", "dataset", pending=True)
    old = workflow.log("data/old", "")
    os.utime(old, (time.time() - 100,) * 2)
    at_work(workflow)
    workflow.log("data/new", "data new: 3 of 4\n")
    workflow.log("data/broken", "quench: bad\n")
    workflow.wrote(
        ".snakemake/log/2026.snakemake.log",
        "Error in rule dataset:\n    message: None\n    jobid: 3\n    output: results/smoke/data/broken.nc\n"
        f"    log: {RESULTS}/logs/data/broken.log (check log file(s) for error details)\n",
    )
    # The call for the summary starts a log, too.
    workflow.wrote(".snakemake/log/2027.snakemake.log", "Building DAG of jobs...\n")
    assert workflow.states() == {"dataset old": "waiting", "dataset new": "running", "dataset broken": "failed"}


def test_job_whose_inputs_are_made_again_says_so(workflow):
    workflow.listed("claims.csv", "claims", pending=True, status="ok")
    (job,) = tracked(workflow.rows, workflow.folder)
    assert (job.state, job.reason) == ("waiting", "inputs to be made again")


def test_running_training_job_reports_its_progress(workflow):
    workflow.listed("snapshots/a/T1/0-1.nc", "run", pending=True)
    line = "run a/T1/0-1: measuring, step 1,200 of 32,000, loss 0.19, 3,395 steps/s, 0:09 left\n"
    workflow.log("snapshots/a/T1/0-1", "quench: run a/T1/0-1: 120 snapshots\n" + line.replace("1,200", "600") + line)
    with Checkpoint(workflow.folder / RESULTS / "snapshots/a/T1/0-1.nc", {}):
        (job,) = tracked(workflow.rows, workflow.folder)
        assert job.state == "running"
        assert job.progress() == "measuring, step 1,200 of 32,000, loss 0.19, 3,395 steps/s, 0:09 left"


@pytest.mark.parametrize(
    "host, log_age, state", [("here", 0, "stopped"), ("elsewhere", 0, "running"), ("elsewhere", 600, "stopped")]
)
def test_killed_training_job_is_stopped_and_the_log_decides_for_another_machine(workflow, host, log_age, state):
    workflow.listed("snapshots/a/T1/0-1.nc", "run", pending=True)
    log = workflow.log("snapshots/a/T1/0-1", "")
    os.utime(log, (time.time() - log_age,) * 2)
    # No process has a number beyond the kernel's largest, 2^22.
    name = os.uname().nodename if host == "here" else "another-machine"
    workflow.wrote(f"{RESULTS}/snapshots/a/T1/.0-1.checkpoint/lock", f"{2**22 + 1} on {name}\n")
    assert workflow.states() == {"run a/T1/0-1": state}


def test_time_left_is_that_of_finished_jobs_of_the_same_rule(workflow):
    for name in ("a", "b", "c"):
        workflow.listed(f"data/{name}.nc", "dataset", pending=name != "a")
    workflow.log("data/a", DONE)
    assert left(tracked(workflow.rows, workflow.folder)) == 24.0
    workflow.listed("claims.csv", "claims", pending=True)
    assert left(tracked(workflow.rows, workflow.folder)) is None
