"""The report beside Snakemake's own view of the pipeline."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from quench.report import graph

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

# Folders of results by the rule that fills them.
STAGES = {
    "dataset": "data",
    "images": "images",
    "scan": "scans",
    "pretrain": "pretrained",
    "train": "classifiers",
    "run": "snapshots",
    "drift": "drift",
    "mobility": "mobility",
    "observe": "observables",
    "pspin_simulation": "glass",
    "flatness": "flatness",
    "figure": "figures",
    "claims": "claims",
    "report": "report",
}


def test_picture_of_the_pipeline_is_snakemakes(tmp_path):
    # In a folder of its own: where results are there already, Snakemake's graph is the same, but takes longer.
    told = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph", "dot", "--snakefile", str(ROOT / "Snakefile"),
         "--configfile", str(ROOT / "config/config.yaml"), "--directory", str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=300, cwd=ROOT,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', told.stdout, re.MULTILINE))
    pairs = re.findall(r"^\s*(\d+) -> (\d+)$", told.stdout, re.MULTILINE)
    rules_without_stage = set(rules.values()) - set(STAGES) - {"all"}
    assert not rules_without_stage, f"say in quench.report.graph where {rules_without_stage} belong"
    found = {(STAGES[rules[a]], STAGES[rules[b]]) for a, b in pairs if rules[b] != "all"}
    assert found == set(graph.edges(graph.STAGES))


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
