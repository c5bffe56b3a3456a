"""The table of stages and the report beside Snakemake's own view of the pipeline."""

import csv
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from places import ROOT

from quench.config.scenario import load_files
from quench.pipeline import results, stages
from quench.report import graph

SCENARIO = load_files([ROOT / "config/config.yaml"])
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


def asked(folder, *question):
    """What Snakemake says of the default scenario in an empty folder."""
    told = subprocess.run(
        [sys.executable, "-m", "snakemake", *question, "--snakefile", str(ROOT / "Snakefile"),
         "--configfile", str(ROOT / "config/config.yaml"), "--directory", str(folder)],
        capture_output=True, text=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_picture_of_the_pipeline_is_snakemakes(tmp_path):
    files = list(csv.DictReader(asked(tmp_path, "--summary").splitlines(), delimiter="\t"))
    # The folder of results that a rule fills; results/<scenario>/claims.csv counts as a folder.
    folders = {row["rule"]: Path(row["output_file"]).with_suffix("").parts[2] for row in files}
    drawn = asked(tmp_path, "--rulegraph", "dot")
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', drawn, re.MULTILINE))
    pairs = re.findall(r"^\s*(\d+) -> (\d+)$", drawn, re.MULTILINE)
    found = {(folders[rules[a]], folders[rules[b]]) for a, b in pairs if rules[b] != "all"}
    assert set(folders.values()) <= set(graph.BOXES)
    assert {(a, b) for a, b in found if a != b} == set(graph.edges(dict.fromkeys(folders.values())))


def test_every_file_of_the_workflow_is_found_in_the_table_of_stages(tmp_path):
    beside = (".pdf", ".png", ".svg", ".json")
    for row in csv.DictReader(asked(tmp_path, "--summary").splitlines(), delimiter="\t"):
        name = row["output_file"].removeprefix("results/default/")
        if not name.endswith(beside):
            assert stages.find(name, SCENARIO)[0].rule == row["rule"]


def test_every_folder_of_finished_results_is_that_of_a_stage(finished):
    root = finished.folder / "results/smoke"
    found = {path.name.split(".")[0] for path in root.iterdir() if not path.name.startswith(".")}
    assert found - {"config", "logs"} <= {stage.folder for stage in stages.STAGES.values()}
    assert all(stages.find(path.relative_to(root).as_posix()) for path in results.paths_in(root))


def test_snakemakes_own_report_has_captions_and_categories(finished):
    made = finished.snakemake("--report", "report.zip")
    assert made.returncode == 0, made.stdout + made.stderr
    with zipfile.ZipFile(finished.folder / "report.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    text = b"".join(inside.values()).decode("utf-8", "replace")
    assert "Kerr Winter & Janssen 2024" in text or "Kerr Winter &amp; Janssen 2024" in text
    assert "III.2 Relaxation with overdamped Langevin dynamics" in text
    assert "free Brownian weights" in text
    assert any(name.endswith("kwj_fig3.svg") for name in inside)
