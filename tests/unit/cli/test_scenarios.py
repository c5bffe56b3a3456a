"""Scenarios and targets of quench cost and quench status: names, files and figures, and what is wrong with them."""

import pytest
from places import ROOT

from quench.cli import main
from quench.cli.options import scenario_file
from quench.config.scenario import load_files
from quench.errors import QuenchError
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths


@pytest.fixture
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


def stages(text):
    """Jobs by stage in a printed table of costs."""
    rows = [line.split() for line in text.splitlines()[2:]]
    return {row[0]: int(row[1].replace(",", "")) for row in rows}


def test_cost_of_a_figure_counts_what_it_needs(here, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text(
        "scenario: mine\nruns: {regularised: {temperatures: [0.01, 1.0e-3, 1.0e-5, 1.0e-8]}}\n"
    )
    words = ["cost", "--as-reference", "--scenario", "smoke"]
    assert main([*words, "kwj_fig2"]) == 0
    assert stages(capsys.readouterr().out) == {
        "dataset": 1,
        "pretrain": 1,
        "run": 2,
        "observe": 2,
        "figure": 1,
        "all": 7,
    }
    # A file is a scenario, too.
    assert main(["cost", "--as-reference", "--scenario", str(tmp_path / "mine.yaml"), "kwj_fig3"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("mine, ") and stages(told)["run"] == 4 + 11 + 13
    assert main([*words, "kwj_fgi2"]) == 2
    assert capsys.readouterr().err == "quench: no figure 'kwj_fgi2' in scenario 'smoke' (did you mean 'kwj_fig2'?)\n"


def test_jobs_of_all_figures_are_those_of_the_scenario(here):
    paths = Paths(load_files(["config/config.yaml", "config/smoke.yaml"]))
    alone, together = jobs(paths, list(paths.scenario.figures)), jobs(paths)
    assert {path for path, job in together.items() if job.rule not in ("claims", "report")} == set(alone)


def test_scenario_is_a_name_or_a_file(here, tmp_path, monkeypatch):
    assert str(scenario_file("smoke")) == "config/smoke.yaml"
    assert str(scenario_file("config/smoke.yaml")) == "config/smoke.yaml"
    with pytest.raises(QuenchError, match=r"no 'smokey' \(did you mean 'smoke'\?\); known: default, .*, or a file"):
        scenario_file("smokey")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        QuenchError, match="no config/ here, where scenarios are; change to the folder of the Snakefile"
    ):
        scenario_file("smoke")


def test_cost_outside_the_repository_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["cost", "--as-reference"]) == 2
    assert capsys.readouterr().err == "quench: config/config.yaml: not found; change to the folder of the Snakefile\n"
