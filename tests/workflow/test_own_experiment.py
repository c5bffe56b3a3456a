"""docs/own-experiment.md to the letter: its data, its scenario and its commands in the real workflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pages import blocks
from places import DOCS

from quench.store import files

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own experiment")]

PAGE = DOCS / "own-experiment.md"
FIGURES = ("rings_overlap", "rings_cooling", "rings_optimisers")


def block(language):
    (found,) = blocks(PAGE, language)
    return found


@pytest.fixture(scope="module")
def followed(new_repository):
    """A copy of the repository in which the page was followed, and what the workflow said."""
    repository = new_repository("rings")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(repository.folder / "src"), "OMP_NUM_THREADS": "1"}
    (repository.folder / "config" / "rings.yaml").write_text(block("yaml"))
    told = []
    for command in ([sys.executable, "-c", block("python")], ["bash", "-ec", block("bash")]):
        done = subprocess.run(
            command, cwd=repository.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told.append(done.stderr)
    return repository, told[-1], environment


def test_every_named_figure_is_drawn(followed):
    repository, told, _ = followed
    results = repository.folder / "results" / "rings"
    for name in FIGURES:
        for suffix in (".pdf", ".png", ".svg", ".nc"):
            assert (results / "figures" / f"{name}{suffix}").stat().st_size > 0
    drawn = files.read(results / "figures" / "rings_cooling.nc", kind="figure")
    assert [str(name).split(",")[0] for name in drawn["panel"].values] == ["quenched", "annealed"]
    # What the fused engine cannot do was done by the other backend, and that was said.
    told = " ".join(line for line in told.splitlines() if "run on the reference backend" in line)
    assert all(name in told for name in ("cross_entropy", "regression", "heavy_ball", "adam"))
    assert "narrow" not in told and "annealed" not in told


def test_files_say_what_was_done(followed):
    results = followed[0].folder / "results" / "rings"
    point = {
        "quenched/T0.0001": {"temperature": 1e-4, "backend": "fused"},
        "annealed/T0.0001": {
            "anneal": {"start": 0.1, "end": 1e-4, "updates": 1000, "form": "exponential"}, "backend": "fused",
        },
        "heavy_ball/B20": {"momentum": 0.9, "backend": "reference"},
        "adam/B20": {"betas": [0.9, 0.999], "backend": "reference"},
    }  # fmt: skip
    losses = {"quenched": "quadratic_hinge", "heavy_ball": "logistic", "adam": "mse"}
    for place, expected in point.items():
        found = files.read(next((results / "snapshots" / place).glob("*.nc")), kind="snapshots")
        told = files.config_of(found)
        assert expected.items() <= told.items()
        assert told["prepared"]["loss"] == losses.get(place.split("/")[0], "quadratic_hinge")
        assert (found["diverged_at"] < 0).all()
    radii = files.read(results / "data" / "radii.nc", kind="dataset")
    assert sorted(set(radii["y"].values.tolist())) == [1.0, 2.0]
    # Regression to numbers that are not signs is learnt: half the variance of y is what a constant would leave.
    loss = files.read(next((results / "snapshots" / "adam" / "B20").glob("*.nc")))["data_loss"]
    assert float(loss.isel(time=-1).max()) < 0.125 / 2


def test_other_data_redo_what_comes_of_them_and_nothing_else(followed):
    repository, _, environment = followed
    options = ["--dry-run", "--configfile", "config/rings.yaml"]

    def planned():
        told = subprocess.run(
            [sys.executable, "-m", "snakemake", *FIGURES, *options], cwd=repository.folder, env=environment,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout + told.stderr

    changed = block("python").replace("default_rng(0)", "default_rng(1)")
    changed = changed.replace('np.savez("rings.npz"', 'np.savez("others.npz"')
    subprocess.run([sys.executable, "-c", changed], cwd=repository.folder, check=True)
    jobs = planned()
    assert "dataset=radii" in jobs and "ensemble=regression" in jobs and "run=adam" in jobs
    assert "dataset=rings" not in jobs and "run=quenched" not in jobs and "run=heavy_ball" not in jobs


def test_what_the_fused_engine_lacks_is_refused_where_it_is_forced(followed):
    repository, _, environment = followed
    scenario = yaml.safe_load(block("yaml")) | {"compute": {"backend": "fused"}}
    (repository.folder / "forced.yaml").write_text(yaml.safe_dump(scenario))
    told = subprocess.run(
        [sys.executable, "-m", "quench", "config", "config/config.yaml", "forced.yaml"], cwd=repository.folder,
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    assert (
        "ensembles.cross_entropy: the fused engine has no loss logistic; backend reference or auto has" in told.stderr
    )
