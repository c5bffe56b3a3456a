"""Another workflow takes ours as a module and builds on its rules."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from copies import inherited
from pages import blocks
from places import CONFIG, DOCS, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

PAGE = DOCS / "reuse.md"


@pytest.fixture(scope="module")
def foreign(untouched, tmp_path_factory):
    """The workflow that the documentation shows, with ours in its folder of vendored ones."""
    folder = tmp_path_factory.mktemp("foreign")
    left_out = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(untouched.folder, folder / "vendor" / "quench", ignore=left_out)
    (folder / "Snakefile").write_text(blocks(PAGE, "text")[0])
    return folder


def snakemake(folder, *options):
    ended = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *options],
        cwd=folder, env=inherited(), capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_foreign_rule_builds_on_a_file_of_ours(foreign):
    snakemake(foreign, "note")
    assert int((foreign / "note.txt").read_text()) == (foreign / "results/smoke/data/mnist.nc").stat().st_size > 0
    assert "Nothing to be done" in snakemake(foreign, "note")


def test_our_targets_are_there_under_the_prefix(foreign):
    told = snakemake(foreign, "--dry-run", "quench_all")
    for rule in ("quench_run", "quench_figure", "quench_claims", "quench_report"):
        assert f"rule {rule}:" in told
    assert "rule quench_figure:" in snakemake(foreign, "--dry-run", "quench_kwj_fig3")


def planned(told):
    """Number of jobs by rule in the plan of a dry run, without the default target."""
    found = re.findall(r"^(\w+) +(\d+)$", told.split("Job stats:")[1].split("\n\n")[0], flags=re.MULTILINE)
    return {name: int(count) for name, count in found if name not in ("all", "everything", "total")}


def test_workflow_is_deployed_as_the_catalog_prescribes(untouched, tmp_path):
    """A folder with a copy of the configuration, and a module without prefix that replaces the whole workflow."""
    smoke = ("--dry-run", "--configfile", "config/smoke.yaml")
    plan = planned(snakemake(untouched.folder, *smoke))
    assert plan["figure"] > 1 and plan["report"] == 1
    assert planned(snakemake(untouched.folder, *smoke, "--snakefile", "workflow/Snakefile")) == plan
    shutil.copytree(untouched.folder / "config", tmp_path / "config")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(
        'configfile: "config/config.yaml"\n'
        f'module quench:\n    snakefile: "{untouched.folder}/workflow/Snakefile"\n    config: config\n'
        "use rule * from quench\n"
    )
    assert planned(snakemake(tmp_path, *smoke)) == plan


def test_catalog_settings_are_complete():
    settings = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert settings.keys() == {"mandatory-flags", "software-stack-deployment"}
    deployment = settings["software-stack-deployment"]
    assert deployment == {"conda": True, "apptainer": False, "apptainer+conda": False, "report": True}
    assert (CONFIG / "README.md").is_file()


def test_figure_of_ours_is_drawn_there(foreign):
    snakemake(foreign, "quench_theory_finite_size")
    assert (foreign / "results/smoke/figures/theory_finite_size.svg").stat().st_size > 0
