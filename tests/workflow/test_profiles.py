"""Profiles are read, every job is planned with them, and the cost model knows the same jobs as the rules."""

import importlib.util
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from places import CONFIG
from workflows import Workflow

from quench.config.scenario import load_files
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("profiles")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Workflow(tmp_path_factory.mktemp("profiles") / "place", {})


def told(place, *words):
    call = [sys.executable, "-m", "snakemake", "--dry-run", *words]
    ended = subprocess.run(call, cwd=place.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def planned(place, *words):
    """Number of jobs of each rule."""
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", told(place, *words), flags=re.MULTILINE | re.DOTALL)[1]
    return {name: int(count) for name, count in map(str.split, table.splitlines())}


def modelled(*names):
    found = [job.rule for job in jobs(Paths(load_files([CONFIG / f"{name}.yaml" for name in names]))).values()]
    return {rule: found.count(rule) for rule in found}


@pytest.mark.parametrize("name", ["config", "smoke"])
def test_the_cost_model_knows_the_jobs_of_the_rules(place, name):
    assert planned(place, "--configfile", f"config/{name}.yaml") == modelled("config", name) | {"all": 1}


def test_the_slurm_profile_plans_every_job_with_what_it_asks_for(place):
    text = told(place, "--workflow-profile", "profiles/slurm", "--configfile", "config/smoke.yaml")
    asked = re.findall(r"^    resources: (.*)$", text, flags=re.MULTILINE)
    shells = [line for line in asked if "runtime=" in line]
    assert len(shells) >= sum(modelled("config", "smoke").values())
    assert all("slurm_extra=--signal=TERM@60" in line and re.search(r"mem_mb=\d+,", line) for line in shells)


def test_the_kubernetes_profile_plans_every_job(place, tmp_path):
    for plugin in ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_fs"):
        if importlib.util.find_spec(plugin) is None:
            pytest.skip(f"{plugin} is not installed: pip install --group cluster")
    words = ["--workflow-profile", "profiles/kubernetes", "--default-storage-prefix", str(tmp_path)]
    counted = planned(place, *words, "--configfile", "config/smoke.yaml")
    assert counted == modelled("config", "smoke") | {"all": 1}


def test_results_in_storage_are_found_by_the_jobs_that_draw(place, tmp_path):
    """Files are elsewhere than their names say, as in a pod; the kinds of input that a command names one by one."""
    if importlib.util.find_spec("snakemake_storage_plugin_fs") is None:
        pytest.skip("snakemake_storage_plugin_fs is not installed: pip install --group cluster")
    if not shutil.which("rsync"):
        pytest.skip("no rsync, with which the storage plugin copies")
    place.overlay({})
    storage = ["--default-storage-provider", "fs", "--default-storage-prefix", str(tmp_path)]
    place.run("kwj_fig2", *storage, "--cores", "2")
    drawn = tmp_path / "results/smoke/figures/kwj_fig2"
    assert all(drawn.with_suffix(form).exists() for form in (".nc", ".svg", ".pdf", ".png"))
    assert not (place.results / "figures").exists()


def test_retries_belong_to_profiles_not_to_rules():
    root = CONFIG.parent
    for profile in ("slurm", "kubernetes"):
        held = yaml.safe_load((root / "profiles" / profile / "config.yaml").read_text())
        assert held["retries"] >= 1 and held["rerun-incomplete"]
    # A rule's own retries would also be made inside the job.
    assert not any("retries" in path.read_text() for path in (root / "rules").glob("*.smk"))
