"""Messages at the start and the end of the workflow, and the trivial networks that they name."""

import os

import numpy as np
import pytest
import xarray as xr

from quench.figures import build
from quench.figures.figure_inputs import FigureInputs
from quench.networks.trivial import noted
from quench.pipeline import notes


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_new_scenario_starts_from_nothing(tmp_path):
    results = tmp_path / "results"
    assert list(notes.at_start(results / "mine")) == []
    write(results / "default/config.yaml")
    assert list(notes.at_start(results / "mine")) == [
        f"{results / 'mine'} is new: nothing is shared with the results of default"
    ]
    write(results / "mine/config.yaml")
    assert list(notes.at_start(results / "mine")) == []


def test_the_end_names_notes_figures_and_report_of_this_call(tmp_path):
    old = [write(tmp_path / "figures/old_one.png"), write(tmp_path / "logs/old.log", "quench: note: old\n")]
    for path in old:
        os.utime(path, (100, 100))
    write(tmp_path / "logs/pretrained/a/0-3.log", "quench: took 3 s\nquench: note: 2 of 4 networks\n")
    drawn = write(tmp_path / "figures/new_one.png")
    report = write(tmp_path / "report/index.html")
    assert list(notes.at_end(tmp_path, 1000.0)) == [
        "note: 2 of 4 networks",
        f"drawn: {drawn} (also .pdf, .svg; its numbers: .nc)",
        f"report: {report}",
    ]
    for number in range(5):
        write(tmp_path / f"figures/more_{number}.png")
    assert any(line.startswith("6 figures drawn in ") for line in notes.at_end(tmp_path, 1000.0))


@pytest.mark.parametrize(
    ("sigma", "note"),
    [
        ([0.1, 0.2], ""),
        ([3e-10, 0.2, 0.1, 1e-12], "2 of 4 networks are in the trivial phase"),
        ([0.0, 0.3], "1 of 2 networks is in the trivial phase"),
    ],
)
def test_trivial_networks_are_counted(sigma, note):
    assert noted(sigma) == note


def test_trivial_networks_of_runs_and_ensembles_are_named():
    run = xr.Dataset({"sigma": ("network", [1e-9, 0.2])})
    chunk = xr.Dataset({"weights": (("network", "weight"), np.array([[1e-9, -1e-9], [0.1, 0.4]]))})
    inputs = FigureInputs({"runs": {"cold": [run, run]}, "ensembles": {"warm": [chunk, chunk]}})
    assert build.trivial(inputs) == [
        "cold: 1 of 2 networks is in the trivial phase",
        "warm: 2 of 4 networks are in the trivial phase",
    ]
