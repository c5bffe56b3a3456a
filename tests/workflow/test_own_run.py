"""docs/own-run.md to the letter: its commands, what they show, and its scenario in the real workflow."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import blocks
from places import DOCS

from quench.store import files

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own run")]

PAGE = DOCS / "own-run.md"


@pytest.fixture(scope="module")
def followed(new_repository):
    """A copy of the repository in which the page's commands were given."""
    repository = new_repository("own")
    shutil.copytree(DOCS, repository.folder / "docs", dirs_exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(repository.folder / "src"), "OMP_NUM_THREADS": "1"}
    (commands,) = blocks(PAGE, "bash")
    done = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=repository.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return repository


def test_run_that_nobody_tuned_ages(followed):
    """Once the loss has left its plateau, older networks move less and keep more, beyond the intervals over networks."""
    assert (followed.folder / "digits.pdf").stat().st_size > 10_000
    found = files.read(followed.folder / "digits-observables.nc", kind="observables")
    later = found.sel(waiting_time=[300, 3000]).sel(lag=1000, method="nearest")
    young, old = (later.sel(waiting_time=age) for age in (300, 3000))
    assert float(old["msd_high"]) < float(young["msd_low"])
    assert float(old["overlap_low"]) > float(young["overlap_high"])
    assert float(old["tau90_low"]) > float(young["tau90_high"])


def test_recorded_runs_are_part_of_the_workflow(followed):
    declared = yaml.safe_load(blocks(PAGE, "yaml")[0])
    followed.overlay(declared)
    target = ["external_digits"]
    # What was recorded is measured and drawn; nothing is trained.
    assert followed.planned(target) == {"external digits", "figure external_digits"}
    done = followed.snakemake(targets=target)
    assert done.returncode == 0, done.stdout + done.stderr
    for suffix in (".pdf", ".png", ".svg", ".nc"):
        assert (followed.folder / f"results/smoke/figures/external_digits{suffix}").stat().st_size > 0
    measured = files.read(followed.folder / "results/smoke/external/digits.nc", kind="observables")
    assert measured.equals(files.read(followed.folder / "digits-observables.nc"))
    assert followed.planned(target) == set()

    declared["external"]["digits"]["fit"] = [100, 3000]
    followed.overlay(declared)
    assert followed.planned(target) == {"figure external_digits"}
    declared["external"] |= {"one": {"snapshots": ["digits-1.nc"], "chi": 5}}
    followed.overlay(declared)
    both = ["external_digits", "external_one"]
    assert followed.planned(both) == {"figure external_digits", "external one", "figure external_one"}
    assert followed.snakemake(targets=both).returncode == 0
    # Another file of that name: what was measured from it, and nothing else.
    shutil.copy(followed.folder / "digits-2.nc", followed.folder / "digits-0.nc.new")
    (followed.folder / "digits-0.nc.new").replace(followed.folder / "digits-0.nc")
    assert followed.planned(both) == {"external digits", "figure external_digits"}


def test_absent_file_is_told_before_any_work(followed):
    declared = yaml.safe_load(blocks(PAGE, "yaml")[0])
    declared["external"]["digits"]["snapshots"].append("digits-7.nc")
    followed.overlay(declared)
    told = followed.snakemake("--dry-run", targets=["external_digits"])
    assert told.returncode != 0
    assert "quench: config: external.digits.snapshots: digits-7.nc: no such file" in told.stderr
