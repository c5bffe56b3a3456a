"""Quantities of the immobile weights, on weights planted by kind."""

import json

import numpy as np
import pytest

from quench.claims import immobile
from quench.figures.figure_inputs import FigureInputs
from quench.figures.ours.immobile import compute
from quench.observables.mobility import mobility


def test_immobile_weights_by_kind():
    # Ten dead and small weights that stay, thirty live ones that move by 0.1.
    generator = np.random.Generator(np.random.Philox(2))
    start = np.concatenate([np.full(10, 1e-5), np.ones(30)])[None]
    later = start + np.concatenate([np.full(10, 1e-6), 0.1 * np.sign(generator.standard_normal(30))])
    gradient = np.concatenate([np.zeros(10), np.ones(30)])[None]
    part = mobility(start, later, gradient).assign_coords(seed=("network", [0]))
    trajectory = {"temperature": 1e-8}
    part = part.assign_attrs(kind="mobility", config=json.dumps({"trajectory": trajectory, "lag": 100}))
    numbers = compute(FigureInputs({"mobility": {"regularised": [part]}}))
    assert immobile.immobile_of_dead(numbers, "regularised").value == 1
    assert immobile.immobile_of_live(numbers, "regularised").value == 0
    assert immobile.dead_of_immobile(numbers, "regularised").value == 1
    assert immobile.size_ratio(numbers, "regularised").value == pytest.approx(1e-5)
    assert float(numbers["dead_share"].sel(panel="regularised")) == pytest.approx(0.25)
    densities = numbers["density_dead"] + numbers["density_live"]
    assert float((densities * 0.25).sum()) == pytest.approx(1)
