"""The training problem of a dataset: the backend that computes it, and inputs that do not fit."""

import numpy as np
import pytest
import torch
import xarray as xr

from quench.dynamics import problem
from quench.dynamics.choices import Compute
from quench.errors import QuenchError
from quench.networks.mlp import Architecture

ARCHITECTURE = Architecture(4, 6, 2)
PREPARED = {"width": 6, "depth": 2, "weight_decay": 0.1}


def dataset(labels=(-1, 1)):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 4)), rng.choice(labels, 90)
    return xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})


def networks(n_weights=ARCHITECTURE.n_weights):
    return xr.Dataset({"weights": (("network", "weight"), np.ones((2, n_weights)))})


def test_job_for_an_absent_device_runs_on_the_cpu(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    task = problem.build(dataset(), ARCHITECTURE, Compute(device="cuda"))
    assert (task.backend, task.device.type) == ("reference", "cpu")
    assert "--device cpu would use the fused engine, which is faster here" in capsys.readouterr().err


def test_fused_engine_takes_no_device():
    with pytest.raises(QuenchError, match="--backend fused works on the CPU; --device cuda needs --backend reference"):
        problem.build(dataset(), ARCHITECTURE, Compute("fused", "cuda"))


@pytest.mark.parametrize(
    ("loss", "optimiser", "missing"), [("mse", "sgd", "loss mse"), ("quadratic_hinge", "adam", "adam")]
)
def test_change_of_the_backend_is_reported(loss, optimiser, missing, capsys):
    task = problem.build(dataset(), ARCHITECTURE, Compute(), loss, optimiser)
    assert task.backend == "reference"
    assert f"the fused engine has no {missing}: the reference backend is used" in capsys.readouterr().err
    assert problem.build(dataset(), ARCHITECTURE, Compute("reference"), loss, optimiser).backend == "reference"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("loss", ["quadratic_hinge", "logistic"])
def test_labels_must_suit_the_loss(loss):
    with pytest.raises(QuenchError, match=f"dataset: labels other than -1 and \\+1, which loss {loss} needs"):
        problem.build(dataset((0, 1, 2)), ARCHITECTURE, Compute(), loss)
    assert problem.build(dataset((0, 1, 2)), ARCHITECTURE, Compute(), "mse").n_samples == 90


def test_message_names_the_file_of_an_input():
    spoilt = dataset()
    spoilt["x"][3, 1] = np.nan
    spoilt.encoding["source"] = "data/digits.nc"
    with pytest.raises(QuenchError, match=r"data/digits\.nc: x .* not finite"):
        problem.build(spoilt, ARCHITECTURE, Compute())
    with pytest.raises(QuenchError, match=r"networks: its networks do not fit the inputs of data/digits\.nc"):
        problem.of_networks(networks(7), PREPARED, spoilt, Compute())


def test_networks_must_record_their_architecture():
    with pytest.raises(QuenchError, match="no record of its networks' width, depth and weight decay"):
        problem.of_networks(networks(), {"width": 6}, dataset(), Compute())
    assert problem.of_networks(networks(), PREPARED, dataset(), Compute()).architecture == ARCHITECTURE
