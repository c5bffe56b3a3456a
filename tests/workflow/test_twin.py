"""A twin of the paper scenario: consistent and complete as a plan, and made to its report with one figure of each input.

Its jobs run as the rules run them, but in this process; all of its figures would take minutes.
"""

import shlex

import pytest
import twin
from places import CONFIG

from quench.cli import main
from quench.config import claims
from quench.config.scenario import as_yaml
from quench.cost.chunks import declare
from quench.pipeline.consistency import findings
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths
from quench.pipeline.rules import Rules
from quench.pipeline.stages import STAGES

NAMES = {"dataset": "prepare", "simulation": "pspin-simulate"}


# Together they read every stage.
DRAWN = (
    "kwj_fig1",
    "kwj_fig2",
    "kwj_fig8",
    "kwj_figa2",
    "ours_immobile",
    "bj_fig2",
    "bj_drift",
    "bj_flat",
    "theory_finite_size",
)


def words(rules: Rules, job, path):
    """The command of a job as its rule writes it, without logs and times between checkpoints."""
    _, wildcards = rules.paths.job(path)
    options = shlex.split(rules.options(job.rule)(wildcards))
    if job.rule == "figure":
        module = rules.scenario.figures[wildcards["figure"]].module(wildcards["figure"])
        files = shlex.split(rules.figure_inputs(wildcards["figure"], job.needs))
        return ["figure", module, *files, *options, "-o", path.removesuffix(".nc")]
    seeds = ["--seeds", wildcards["seeds"]] if job.rule == "train" else []
    inputs = [] if job.rule in ("dataset", "images") else job.needs
    return [NAMES.get(job.rule, job.rule), *inputs, *options, *seeds, "-o", path]


# Claims of networks that learn nothing have no numbers.
@pytest.mark.filterwarnings("default::RuntimeWarning")
def test_the_twin_is_made_to_its_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scenario = declare(twin.scenario(*DRAWN))
    rules, folder = Rules(scenario), tmp_path / "results" / "twin"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(as_yaml(scenario))
    for path, job in jobs(rules.paths).items():
        if job.rule == "claims":
            drawn = [
                word for name in scenario.figures for word in ("--figure", name, f"results/twin/figures/{name}.nc")
            ]
            command = ["claims", str(CONFIG / "claims.yaml"), "--scenario", "twin", *drawn, "-o", "results/twin/claims"]
        elif job.rule == "report":
            command = ["report", "results/twin", "--config", "results/twin/config.yaml", "-o", path]
        else:
            command = words(rules, job, path)
        assert main(command) == 0, (command, capsys.readouterr().err)
    page = (folder / "report" / "index.html").read_text()
    assert all(f'id="figure-{name}"' in page for name in scenario.figures)


def test_the_twin_is_consistent_and_reads_every_stage():
    scenario = declare(twin.scenario())
    _, found = findings(scenario, claims.load(CONFIG / "claims.yaml"))
    # The mnist5k images are embedded, so that nothing may be missing.
    assert [one.text for one in found if one.fatal] == []
    # Streamed runs keep no weights for a Hessian; a response is measured by the command of the observables.
    absent = {"external", "curvature"}
    for one, missing in ((scenario, absent), (declare(twin.scenario(*DRAWN)), absent | {"response"})):
        assert {job.rule for job in jobs(Paths(one)).values()} == STAGES.keys() - missing
