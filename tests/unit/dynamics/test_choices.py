"""Choices of a training: bounds, names of optimisers, backends that support them."""

import math

import pytest

from quench.dynamics.annealing import Annealing
from quench.dynamics.choices import LOSSES, SGD, Adam, Ensemble, Langevin, backend_for, classifier_backend
from quench.errors import QuenchError


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (lambda: Langevin(0.1, -1e-9), "temperature"),
        (lambda: Langevin(0.1, math.nan), "temperature must be finite"),
        (lambda: Langevin(math.inf, 0.1), "step_size must be finite"),
        (lambda: Langevin(0.1, 0.1, Annealing(1.0, 0.2, 10)), "annealing ends at T = 0.2, not at the temperature 0.1"),
        (lambda: SGD(math.nan, 10), "step_size must be finite"),
        (lambda: SGD(0.1, 0), "batch size"),
        (lambda: SGD(0.1, 10, momentum=1.0), "momentum"),
        (lambda: SGD(0.1, 10, sampling="shuffled"), "sampling must be one of epoch, iid"),
        (lambda: Adam(0.1, 0), "batch size"),
        (lambda: Adam(0.1, 10, betas=(0.9, 1.0)), "betas"),
        (lambda: Adam(0.1, 10, betas=(0.9,)), "betas"),
        (lambda: Ensemble([-1], 1, 0.0), "one seed"),
        (lambda: Ensemble([2**64], 1, 0.0), "one seed"),
        (lambda: Ensemble([1], 2**32, 0.0), "stream"),
        (lambda: Ensemble([1], 1, math.nan), "weight_decay must be finite"),
    ],
)
def test_values_out_of_range_are_refused(choice, message):
    with pytest.raises(ValueError, match=message):
        choice()


@pytest.mark.parametrize(
    ("dynamics", "optimiser", "parameters"),
    [
        (Langevin(0.1, 0.2), "langevin", {"temperature": 0.2, "anneal": None}),
        (
            Langevin(0.1, 0.2, Annealing(1.0, 0.2, 10)),
            "annealed",
            {"temperature": 0.2, "anneal": {"start": 1.0, "end": 0.2, "updates": 10, "form": "linear"}},
        ),
        (SGD(0.1, 20), "sgd", {"batch_size": 20, "momentum": 0.0, "drop_last": False}),
        (SGD(0.1, 20, 0.9), "momentum", {"batch_size": 20, "momentum": 0.9, "drop_last": False}),
        (Adam(0.1, 20), "adam", {"batch_size": 20, "betas": (0.9, 0.999)}),
    ],
)
def test_files_declare_the_parameters_of_the_dynamics(dynamics, optimiser, parameters):
    declared = dynamics.parameters()
    assert dynamics.optimiser == optimiser
    assert declared.pop("dynamics") in ("langevin", "sgd", "adam") and declared.pop("step_size") == 0.1
    assert declared == parameters


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimiser", ["langevin", "annealed", "sgd", "momentum", "adam"])
def test_auto_is_the_fused_engine_where_it_supports_the_work(loss, optimiser):
    able = loss == "quadratic_hinge" and optimiser not in ("momentum", "adam")
    assert backend_for("auto", "cpu", loss, optimiser) == ("fused" if able else "reference")
    assert (
        backend_for("auto", "cuda", loss, optimiser) == backend_for("reference", "cpu", loss, optimiser) == "reference"
    )
    if able:
        assert backend_for("fused", "cpu", loss, optimiser) == "fused"
    else:
        with pytest.raises(QuenchError, match=f"the fused engine has no .*({loss}|{optimiser})"):
            backend_for("fused", "cpu", loss, optimiser)


def test_classifiers_are_fused_where_they_are_fully_connected_and_on_the_cpu():
    assert classifier_backend("auto", "cpu", "dense") == classifier_backend("fused", "cpu", "dense") == "fused"
    for device, kind in (("cpu", "convolutional"), ("cpu", "residual"), ("cuda", "dense")):
        assert classifier_backend("auto", device, kind) == "reference"
        with pytest.raises(QuenchError, match=f"the fused engine has no .*({kind} networks|{device})"):
            classifier_backend("fused", device, kind)
    assert classifier_backend("reference", "cpu", "dense") == "reference"
