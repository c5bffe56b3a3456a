"""Snakemake and its jobs ended in the middle: what was trained is not trained again, and streaming changes no rule."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml
from places import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("killed")]

SNAPSHOTS = "results/smoke/snapshots/regularised/T0.01/0-1.nc"
LOG = "results/smoke/logs/snapshots/regularised/T0.01/0-1.log"
TARGET = "results/smoke/observables/regularised/T0.01/chi30.nc"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    for name in ("rules", "config", "src", "profiles", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copy2(ROOT / "Snakefile", folder)
    return folder


def snakemake(repository, *words, snapshots="full"):
    """A running Snakemake with a run of regularised networks that is long enough to be interrupted."""
    overlay = {
        "runs": {"regularised": {"temperatures": [0.01], "lag_max": 20000}},
        "figures": dict.fromkeys(yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["figures"]),
        "compute": {"backend": "reference", "chunk": 2, "checkpoint_seconds": 0.2, "snapshots": snapshots},
    }
    path = repository / f"{snapshots}.yaml"
    path.write_text(yaml.safe_dump(overlay))
    files = ["--configfile", "config/smoke.yaml", path.name]
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words, "--cores", "2", *files],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process):
    told = process.communicate(timeout=500)[0]
    assert process.returncode == 0, told
    return told


def wait_for(found, process):
    """Wait until ``found()`` gives something; the process must be alive until then."""
    while not (answer := found()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    return answer


def step_gone_on_from(log):
    matches = re.findall(r"resumes from step ([\d,]+)", log.read_text()) if log.exists() else []
    return int(matches[-1].replace(",", "")) if matches else None


def test_a_killed_workflow_goes_on_from_its_checkpoint(repository):
    folder, log = (repository / SNAPSHOTS).parent / ".0-1.checkpoint", repository / LOG
    process = snakemake(repository, SNAPSHOTS)
    wait_for((folder / "state-0.bin").exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (repository / SNAPSHOTS).exists()
    assert {"state-0.bin", "journal.bin"} <= {path.name for path in folder.iterdir()}
    finish(snakemake(repository, "--unlock"))

    process = snakemake(repository, SNAPSHOTS)
    first = wait_for(lambda: step_gone_on_from(log), process)
    # This time only the job is asked to stop, as a scheduler does; Snakemake cleans up after it, but for its states.
    os.kill(int((folder / "lock").read_text().split()[0]), signal.SIGTERM)
    told = process.communicate(timeout=300)[0]
    assert process.returncode != 0, told
    assert "stopped by SIGTERM; run the same command again to resume from the checkpoint" in log.read_text()
    assert (folder / "state-0.bin").exists()

    finish(snakemake(repository, SNAPSHOTS))
    assert step_gone_on_from(log) >= first > 0
    assert (repository / SNAPSHOTS).exists()
    assert not folder.exists()


def test_streaming_gives_the_same_observables_by_the_same_rules(repository):
    told = finish(snakemake(repository, TARGET))
    assert re.search(r"snapshots of the scenario take up to [\d.]+ [kMG]B ", told)
    full = (repository / TARGET).read_bytes()
    shutil.rmtree(repository / "results/smoke/snapshots")
    shutil.rmtree(repository / "results/smoke/observables")
    again = finish(snakemake(repository, TARGET, snapshots="streamed"))
    assert "observables are streamed" in again
    assert (repository / TARGET).read_bytes() == full

    def jobs(text):
        return set(re.findall(r"^(?:local)?rule (\w+):$", text, flags=re.MULTILINE)) - {"dataset", "pretrain", "run"}

    assert jobs(again) == jobs(told) == {"observe"}
