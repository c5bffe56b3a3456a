"""Another workflow takes ours as a module and builds on its rules."""

import shutil
import subprocess
import sys

import pytest
from copies import inherited
from pages import blocks
from places import DOCS

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


def test_figure_of_ours_is_drawn_there(foreign):
    snakemake(foreign, "quench_theory_finite_size")
    assert (foreign / "results/smoke/figures/theory_finite_size.svg").stat().st_size > 0
