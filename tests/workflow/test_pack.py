"""From an archive to every figure without training; and a spoilt file, which spoils its own figures alone."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from copies import inherited

from quench.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pack")]

# A figure of every kind of input: runs, ensembles, scans, single weights, classifiers with their spectra, glass.
FIGURES = ("kwj_fig1", "kwj_fig3", "ours_immobile", "bj_flat", "theory_finite_size")


@pytest.fixture(scope="module")
def made(new_repository):
    """A repository with these figures of the smoke scenario, and what they are made from."""
    repository = new_repository("made")
    smoke = yaml.safe_load((repository.folder / "config/smoke.yaml").read_text())
    default = yaml.safe_load((repository.folder / "config/config.yaml").read_text())
    dropped = {name: None for name in {**default["figures"], **smoke["figures"]} if name not in FIGURES}
    (repository.folder / "overlay.yaml").write_text(
        yaml.safe_dump({"figures": dropped, "compute": {"backend": "reference", "chunk": 2}})
    )
    ended = repository.snakemake(targets=FIGURES)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return repository


@pytest.fixture(scope="module")
def packed(made, tmp_path_factory):
    path = tmp_path_factory.mktemp("archive") / "smoke.tar"
    assert main(["pack", str(made.folder / "results/smoke"), "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def unpacked(packed, new_repository):
    """A fresh copy of the repository, without images within reach, with what was unpacked; nothing has run in it."""
    repository = new_repository("unpacked")
    assert main(["unpack", str(packed), "-d", str(repository.folder / "results")]) == 0
    return repository


def snakemake(repository, *words):
    """Snakemake as it is told to be called after unpacking: with the configuration that came with the archive."""
    words = [*words, "--cores", "2", "--configfile", "results/smoke/config.yaml"]
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *words],
        cwd=repository.folder, capture_output=True, text=True, check=False, timeout=1800,
        env=inherited(),
    )  # fmt: skip


def rules(told):
    """How many jobs of each rule a dry run plans."""
    found = re.findall(r"^(\w+) +(\d+)$", told.split("Job stats:")[-1].split("\n\n")[0], flags=re.MULTILINE)
    return {name: int(count) for name, count in found if name != "total"}


def test_everything_that_was_made_is_whole(made, capsys):
    assert main(["verify", str(made.folder / "results/smoke")]) == 0, capsys.readouterr().out


def test_nothing_is_trained_after_unpacking(unpacked):
    told = snakemake(unpacked, "--dry-run")
    assert told.returncode == 0, told.stderr
    planned = rules(told.stdout)
    assert planned.pop("figure") == len(FIGURES)
    assert set(planned) <= {"claims", "report", "all"}


@pytest.mark.parametrize("figure", FIGURES)
def test_each_figure_is_planned_alone(unpacked, figure):
    told = snakemake(unpacked, figure, "--dry-run")
    assert rules(told.stdout) == {"figure": 1, figure: 1}


def test_figures_from_the_archive_are_those_of_the_training(made, unpacked):
    ended = snakemake(unpacked, "kwj_fig3", "bj_flat")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for name in ("kwj_fig3", "bj_flat"):
        for suffix in (".nc", ".pdf", ".png", ".svg"):
            path = f"results/smoke/figures/{name}{suffix}"
            assert (unpacked.folder / path).read_bytes() == (made.folder / path).read_bytes(), path


def test_spoilt_input_of_one_figure_breaks_no_other(packed, new_repository, capsys):
    """A flipped bit and a swap: the figures drawn from these files fail and name them, the others are drawn."""
    repository = new_repository("spoilt")
    assert main(["unpack", str(packed), "-d", str(repository.folder / "results")]) == 0
    results = repository.folder / "results/smoke"
    flipped = results / "flatness/tiny.nc"
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    cold, hot = (results / f"observables/regularised/{point}/chi30.nc" for point in ("T0.0001", "T0.01"))
    shutil.copy(hot, cold)
    ended = snakemake(repository, *FIGURES)
    assert ended.returncode != 0
    drawn = {path.stem for path in (results / "figures").glob("*.nc")}
    assert drawn == set(FIGURES) - {"bj_flat", "kwj_fig3"}
    assert "flatness/tiny.nc: damaged" in (results / "logs/figures/bj_flat.log").read_text()
    log = (results / "logs/figures/kwj_fig3.log").read_text()
    assert "T0.0001/chi30.nc: does not match its path: trajectory.temperature is 0.01, not 0.0001" in log
    capsys.readouterr()
    assert main(["verify", str(results)]) == 1
    told = capsys.readouterr().out
    assert "2 wrong" in told and "--forcerun" in told.splitlines()[-1]


def test_missing_input_of_one_figure_is_planned_for_it_alone(packed, new_repository):
    repository = new_repository("missing")
    assert main(["unpack", str(packed), "-d", str(repository.folder / "results")]) == 0
    (repository.folder / "results/smoke/glass/spins_50.nc").unlink()
    planned = rules(snakemake(repository, "theory_finite_size", "--dry-run").stdout)
    assert planned["figure"] == 1 and set(planned) <= {"simulation", "figure", "theory_finite_size"}
    others = [name for name in FIGURES if name != "theory_finite_size"]
    planned = rules(snakemake(repository, *others, "--dry-run").stdout)
    assert set(planned) - set(others) == {"figure"}
