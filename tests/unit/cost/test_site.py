"""Profiles for a cluster, asked through stand-ins of its commands."""

import math
import os

import pytest
import yaml
from places import ROOT

from quench.cli import main
from quench.cost import site
from quench.cost.work import MARGIN, SPARE_MINUTES
from quench.errors import QuenchError

ANSWERS = {
    "sinfo": "main*|4:00:00\nlong|2-00:00:00\nfree|infinite",
    "sacctmgr": "physics\nphysics\nchemistry",
    "scontrol": "MinJobAge               = 300 sec",
    "sbatch": "",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """The commands of a cluster, alone on the path: each prints its answer, or fails with the one given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def command(name, answer, status=0):
        (folder / name).write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{answer}\nEND\nexit {status}\n")
        (folder / name).chmod(0o755)

    for name, answer in ANSWERS.items():
        command(name, answer)
    command.remove = lambda name: os.unlink(folder / name)
    return command


def written(tmp_path, monkeypatch, *words):
    monkeypatch.chdir(ROOT)
    status = main(["profile", "slurm", *words, "-o", str(tmp_path / "mine")])
    return status, [yaml.safe_load((tmp_path / f"mine/{name}.yaml").read_text()) for name in ("config", "compute")]


@pytest.mark.parametrize(
    "limit, minutes", [("30:00", 30), ("4:00:00", 240), ("2-00:00:00", 2880), ("1:30", 1.5), ("infinite", math.inf)]
)
def test_limits_are_read_as_slurm_prints_them(limit, minutes):
    assert site.minutes_of(limit) == minutes


@pytest.mark.parametrize("hours", [0.2, 0.5, 1, 1.5, 4, 48])
def test_a_job_of_the_target_length_requests_no_more_than_the_limit(hours):
    found = site.lengths(hours)
    assert MARGIN * found["job_minutes"] + SPARE_MINUTES <= found["limit_minutes"] == math.floor(60 * hours)
    assert found["job_minutes"] <= site.TARGET_MINUTES


def test_profile_differs_from_the_template_in_what_the_site_decides(cluster, tmp_path, monkeypatch, capsys):
    status, (profile, compute) = written(
        tmp_path, monkeypatch, "--account", "physics", "--partition", "main", "--hours", "4"
    )
    assert status == 0 and compute == {"compute": {"job_minutes": 45, "limit_minutes": 240}}
    template = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    template["default-resources"] |= {"slurm_account": "physics", "slurm_partition": "main"}
    assert profile == template | {"slurm-status-command": "sacct"}
    told = capsys.readouterr().out
    assert "does not answer" not in told and "/mine/config.yaml: written" in told


def test_cluster_without_accounting_gets_no_account(cluster, tmp_path, monkeypatch, capsys):
    """The plugin would end on an account that it cannot check."""
    cluster("sacctmgr", "You are not running a supported accounting_storage plugin", 1)
    status, (profile, _) = written(tmp_path, monkeypatch, "--account", "physics", "--hours", "4")
    assert status == 0 and profile["slurm-status-command"] == "squeue"
    assert "slurm_account" not in profile["default-resources"]
    assert "does not name the account physics" in capsys.readouterr().out


def test_without_a_cluster_everything_unchecked_is_named(cluster, tmp_path, monkeypatch, capsys):
    for name in ANSWERS:
        cluster.remove(name)
    status, (profile, _) = written(tmp_path, monkeypatch, "--partition", "main", "--hours", "4")
    assert status == 0 and profile["default-resources"]["slurm_partition"] == "main"
    told = capsys.readouterr().out
    assert all(f"{name} does not answer here" in told for name in ("sinfo", "sacctmgr", "sbatch"))


def test_squeue_that_forgets_is_named(cluster):
    cluster("sacctmgr", "", 1)
    cluster("scontrol", "MinJobAge               = 60 sec")
    assert (
        "squeue forgets finished jobs after 60 s; set seconds-between-status-checks to 20"
        in site.ask(None, None, 60).notes
    )


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--partition", "mian", "--hours", "1"], "--partition: no 'mian' (did you mean 'main'?); known: main, long, free"),
        (["--account", "phyics", "--hours", "1"], "--account: no 'phyics' (did you mean 'physics'?)"),
        (["--hours", "5"], "--hours: 5 is more than the partition main allows, 4"),
        (["--hours", "0.1"], "--hours: 0.1 is too short; at least 0.12"),
    ],
)  # fmt: skip
def test_what_the_cluster_would_refuse_is_refused_in_one_line(cluster, tmp_path, monkeypatch, capsys, words, reason):
    monkeypatch.chdir(ROOT)
    assert main(["profile", "slurm", *words, "-o", str(tmp_path / "mine")]) == 2
    told = capsys.readouterr().err
    assert reason in told and len(told.splitlines()) == 1 and not (tmp_path / "mine").exists()


def test_refusal_of_the_submission_itself_is_told(cluster):
    cluster("sbatch", "sbatch: error: allocation failure: Invalid account or account/partition combination", 1)
    with pytest.raises(QuenchError, match=r"sbatch refuses such jobs: .*Invalid account"):
        site.ask("physics", "main", 60)
