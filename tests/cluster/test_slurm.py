"""The workflow on a real SLURM of three nodes, and what befalls jobs there: always the bits of a local run.

Three runs of one ensemble, each a job with a node of its own, are long enough for something to happen to them.
"""

import contextlib
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from workflows import LOCAL, SLURM

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]

FOLDERS = ("data", "pretrained", "snapshots", "observables", "figures")
POINTS = ("T0.01", "T0.0001", "T0.001")
LONG = {"temperatures": [0.01, 1e-4, 1e-3], "lag_max": 6000}


def snapshots(point):
    return f"results/smoke/snapshots/regularised/{point}/0-1.nc"


def log_of(point):
    return f"snapshots/regularised/{point}/0-1.log"


def saved(workflow, point):
    """Whether the training of a point has saved a state."""
    return (workflow.results / f"snapshots/regularised/{point}/.0-1.checkpoint/state-0.bin").exists()


def pid_of(workflow, point):
    lock = workflow.results / f"snapshots/regularised/{point}/.0-1.checkpoint/lock"
    return int(lock.read_text().split()[0])


def hold(cluster, workflow, *points):
    """Trainings by their points, each stopped where it stands once it has saved a state: none ends before its fate comes."""
    held = {}

    def all_held():
        for point in points:
            if point not in held and saved(workflow, point):
                held[point] = pid_of(workflow, point)
                os.kill(held[point], signal.SIGSTOP)
        return len(held) == len(points)

    cluster.wait_for(all_held, "states to be saved", 300)
    return held


def told_to_end(pid):
    """Whether SIGTERM waits for a stopped process, or has ended it: SLURM wakes what is beyond its limit."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    pending = int(re.search(r"^ShdPnd:\s*(\w+)", status, flags=re.MULTILINE)[1], 16)
    return bool(pending >> (signal.SIGTERM - 1) & 1)


def steps_gone_on_from(workflow, point):
    told = re.findall(r"resumes from step ([\d,]+)", workflow.log(log_of(point)))
    return [int(step.replace(",", "")) for step in told]


def job_of(cluster, point):
    (found,) = [job for job in cluster.jobs("RUNNING") if f"_{point}_" in job["comment"]]
    return found


@pytest.fixture(scope="module")
def long(workflow, here):
    """The longer run on this machine; for the cluster, what it starts from."""
    for place in (here, workflow):
        place.overlay({"runs": {"regularised": LONG}})
        shutil.rmtree(place.results / "snapshots", ignore_errors=True)
    here.run(*map(snapshots, POINTS), *LOCAL)
    for folder in ("data", "pretrained"):
        shutil.copytree(here.results / folder, workflow.results / folder, dirs_exist_ok=True)
    return here.files("snapshots")


def test_scenario_on_three_nodes(cluster, workflow, here):
    alone = here.start("kwj_fig2", *LOCAL)
    workflow.run("kwj_fig2", *SLURM)
    here.end(alone)
    assert len({job["node"] for job in cluster.jobs("COMPLETED")}) > 1
    assert workflow.files(*FOLDERS) == here.files(*FOLDERS)
    assert len(here.files("figures")) == 1 and len(here.files("snapshots")) == 2


def test_cancelled_job_dead_node_and_time_limit(cluster, workflow, long):
    cancelled, node_killed, limited = POINTS
    process = workflow.start(*map(snapshots, POINTS), *SLURM)
    training = hold(cluster, workflow, *POINTS)[limited]
    # SLURM wakes it before it tells it to end.
    cluster.cancel(job_of(cluster, cancelled)["id"])
    node = job_of(cluster, node_killed)["node"]
    cluster.kill_node(node)
    cluster.end_soon(job_of(cluster, limited)["id"])
    cluster.wait_for(lambda: told_to_end(training), "the early signal", 200)
    with contextlib.suppress(ProcessLookupError):
        os.kill(training, signal.SIGCONT)
    cluster.wait_for(lambda: node not in cluster.up(), "the node to be missed", 120)
    cluster.start_node(node)
    workflow.end(process)
    assert workflow.files("snapshots") == long
    for point in POINTS:
        assert steps_gone_on_from(workflow, point)[-1] > 0, workflow.log(log_of(point))


def test_main_process_killed_and_started_again(cluster, workflow, long):
    for point in POINTS[1:]:
        (workflow.folder / snapshots(point)).unlink()
    process = workflow.start(*map(snapshots, POINTS), *SLURM)
    hold(cluster, workflow, *POINTS[1:])
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Its jobs go on without it. The name of a job is that of the workflow's run.
    (run,) = {job["name"] for job in cluster.jobs("RUNNING")}
    assert run in workflow.told
    cluster.cancel(f"--name={run}")
    cluster.wait_for(lambda: not cluster.jobs("RUNNING", "COMPLETING"), "its jobs to end", 60)
    workflow.run("--unlock", *LOCAL)
    workflow.run(*map(snapshots, POINTS), *SLURM)
    assert workflow.files("snapshots") == long
    assert all(steps_gone_on_from(workflow, point) for point in POINTS[1:])


def test_edits_while_jobs_wait_in_the_queue(cluster, workflow, here, long):
    """What was submitted is made from the configuration of then; with other code it is refused."""
    target = "results/smoke/observables/regularised/T0.001/chi30.nc"
    here.run(target, *LOCAL)
    kept = (workflow.folder / "overlay.yaml").read_text()

    def submitted_then_edited(edit, fails):
        with cluster.nobody_served():
            process = workflow.start(target, *SLURM, "--retries", "0")
            cluster.wait_for(lambda: cluster.jobs("PENDING"), "a job in the queue", 120)
            edit()
        return workflow.end(process, fails)

    def another_code(module):
        with open(workflow.folder / f"src/quench/{module}.py", "a") as file:
            file.write("\n_ADDED = 1\n")

    def edit_what_it_does_not_use():
        workflow.overlay({"runs": {"regularised": LONG | {"waiting_times": [10], "include_output_layer": False}}})
        another_code("figures/kwj/fig3")

    submitted_then_edited(edit_what_it_does_not_use, fails=False)
    assert workflow.files("observables") == here.files("observables")
    (workflow.folder / "overlay.yaml").write_text(kept)
    (workflow.folder / target).unlink()
    told = submitted_then_edited(lambda: another_code("observables/measure"), fails=True)
    assert "quench.observables.measure, or a module that it imports, was edited while jobs" in told
    assert not (workflow.folder / target).exists()


def made_again(workflow, *points):
    """Remove the trajectories of some points, so that the next call makes them."""
    for point in points:
        (workflow.folder / snapshots(point)).unlink(missing_ok=True)
        (workflow.results / "logs" / log_of(point)).unlink(missing_ok=True)


def test_preempted_job_is_requeued_and_goes_on(cluster, workflow, long):
    """A job of a partition with priority takes the node; SLURM starts ours again under its number: no try is used up."""
    (preempted,) = POINTS[:1]
    made_again(workflow, preempted)
    process = workflow.start(snapshots(preempted), *SLURM, "--retries", "0")
    hold(cluster, workflow, preempted)
    job = job_of(cluster, preempted)
    cluster.submit_urgent(job["node"])
    cluster.wait_for(lambda: cluster.starts(job["id"]) == 2, "a second start", 120)
    workflow.end(process)
    assert workflow.files("snapshots") == long
    assert cluster.starts(job["id"]) == 2
    assert steps_gone_on_from(workflow, preempted)[-1] > 0


def test_drained_node_finishes_its_job_and_takes_no_other(cluster, workflow, long):
    made_again(workflow, *POINTS[:2])
    process = workflow.start(snapshots(POINTS[0]), *SLURM, "--retries", "0")
    held = hold(cluster, workflow, POINTS[0])
    node = job_of(cluster, POINTS[0])["node"]
    with cluster.drained(node):
        os.kill(held[POINTS[0]], signal.SIGCONT)
        workflow.end(process)
        workflow.run(snapshots(POINTS[1]), *SLURM, "--retries", "0")
    assert [job["node"] for job in cluster.jobs("COMPLETED") if f"_{POINTS[1]}_" in job["comment"]][-1] != node
    assert workflow.files("snapshots") == long


def test_job_above_its_memory_is_tried_again_with_more(cluster, workflow, long):
    made_again(workflow, POINTS[0])
    # Snakemake and Python alone need more than the first try asks for.
    workflow.run(snapshots(POINTS[0]), *SLURM, "--set-resources", "run:mem_mb=100+2000*(attempt-1)")
    ended = [job["state"] for job in cluster.jobs("all") if f"_{POINTS[0]}_" in job["comment"]][-2:]
    assert ended[0] in {"FAILED", "OUT_OF_MEMORY"} and ended[1] == "COMPLETED"
    assert workflow.files("snapshots") == long


def test_jobs_submitted_as_an_array(cluster, workflow, long):
    made_again(workflow, *POINTS)
    workflow.run(*map(snapshots, POINTS), *SLURM, "--slurm-array-jobs", "run", "--slurm-array-limit", "10")
    assert workflow.files("snapshots") == long


@pytest.mark.parametrize(
    "resource, told",
    [
        ("slurm_partition=mian", "Invalid partition"),
        ("slurm_account=nobody", "account"),
        ("runtime=600", "time limit"),
    ],
    ids=["partition", "account", "limit"],
)
def test_refused_submission_names_the_reason_and_loses_nothing(cluster, workflow, long, resource, told):
    made_again(workflow, POINTS[0])
    option = ("--set-resources", f"run:{resource}") if "runtime" in resource else ("--default-resources", resource)
    text = workflow.run(snapshots(POINTS[0]), *SLURM, "--retries", "0", *option, fails=True)
    assert told in text and "Traceback" not in text
    workflow.run(snapshots(POINTS[0]), *SLURM)
    assert workflow.files("snapshots") == long


def test_partition_that_closes_in_the_middle(cluster, workflow, long):
    """What runs goes on; what is submitted meanwhile is refused, and made by the next call."""
    made_again(workflow, *POINTS)
    process = workflow.start(*map(snapshots, POINTS), *SLURM, "--retries", "0", "--jobs", "1")
    cluster.wait_for(lambda: any(saved(workflow, point) for point in POINTS), "a state", 300)
    with cluster.nobody_served("INACTIVE"):
        workflow.end(process, fails=True)
    assert len(workflow.files("snapshots")) >= 1
    workflow.run(*map(snapshots, POINTS), *SLURM)
    assert workflow.files("snapshots") == long
