"""The files and choices of a figure: mistakes are reported by run and value."""

import json

import numpy as np
import pytest
import xarray as xr
from observed_runs import inputs

from quench.errors import QuenchError
from quench.figures.figure_inputs import FigureInputs, check_measured
from quench.store import files


def test_run_without_anything_measured_is_reported():
    empty = xr.Dataset({"overlap_mean": ("lag", [1.0, np.nan])}, coords={"lag": [0, 10]})
    with pytest.raises(QuenchError, match="regularised: no overlap at a lag above 0"):
        check_measured("regularised", empty)


def test_unmeasured_values_are_reported(folder):
    with pytest.raises(QuenchError, match=r"run 'regularised': no observables at temperature 0.5"):
        inputs(folder, temperatures=(0.5,)).run("regularised")
    with pytest.raises(QuenchError, match=r"t_w = 7 was not measured; known: \[5, 20\]"):
        inputs(folder, waiting_time=7).run("regularised")
    with pytest.raises(QuenchError, match="no run 'other' among the inputs"):
        inputs(folder).run("other")
    foreign = files.read(folder / "regularised-0.1.nc").drop_attrs()
    with pytest.raises(QuenchError, match="does not state its temperature"):
        FigureInputs({"runs": {"regularised": [foreign]}}).run("regularised")


def test_scale_keeps_inputs_of_different_scale_apart():
    def scan(width, networks):
        weights = {"width": ("point", [width]), "loss": (("point", "network"), np.zeros((1, networks)))}
        return xr.Dataset(weights, attrs={"kind": "scan", "config": json.dumps({"P_D": 200})})

    same = FigureInputs({"scans": {"map": [scan(4, 3)], "my_line": [scan(4, 3)]}})
    assert same.scale_label() == "reduced scale: $P_D$ = 200 · $n$ = 4 · networks = 3"
    mixed = FigureInputs({"scans": {"map": [scan(4, 3)], "my_line": [scan(4, 3)], "wide": [scan(1000, 3)]}})
    wanted = "map, my line: $P_D$ = 200 · $n$ = 4 · networks = 3; wide: $P_D$ = 200 · $n$ = 1,000 · networks = 3"
    assert mixed.scale_label() == f"reduced scale: {wanted}"
    assert FigureInputs(mixed.files, {"scale": "full"}).scale_label() == ""
