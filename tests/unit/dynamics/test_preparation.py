"""Preparation of networks: recording times, and the trajectory from Python without files."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics import descent, preparation
from quench.dynamics.choices import SGD, Compute, Ensemble, Preparation
from quench.dynamics.reference import sgd
from quench.dynamics.reference.problem import Problem
from quench.errors import QuenchError
from quench.networks.mlp import Architecture, initial_weights
from quench.networks.state import of_losses
from quench.numerics.random import stream_id
from quench.store.variables import config_of

SEEDS = (4, 9)
CHOICES = {"width": 5, "depth": 2, "weight_decay": 0.01, "seeds": SEEDS, "compute": Compute("reference")}
PROTOCOL = Preparation(learning_rate=0.05, epochs=3, batch_size=16, polish=((4, 0.02), (5, 0.002)))


def dataset():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.choice([-1, 1], 50)
    return xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})


@given(
    st.integers(1, 3000), st.integers(1, 400), st.integers(0, 500), st.lists(st.tuples(st.integers(1, 60)), max_size=3)
)
def test_loss_is_recorded_at_the_end_of_every_leg(n_samples, batch_size, epochs, polish):
    protocol = Preparation(0.1, epochs, batch_size, tuple((updates, 0.1) for (updates,) in polish))
    times = preparation.recording_times(n_samples, protocol)
    ends = np.cumsum([epochs * -(-n_samples // batch_size), *(updates for (updates,) in polish)])
    assert times[0] == 0 and times[-1] == ends[-1]
    assert np.isin(ends, times).all() and (np.diff(times) > 0).all()


def test_networks_go_through_sgd_and_then_descent():
    """3 epochs of 4 batches, then 4 and 5 updates of the whole set, by the modules of the backend themselves."""
    data = dataset()
    pretrained = preparation.trajectory(data, preparation=PROTOCOL, **CHOICES).follow()
    architecture = Architecture(4, 5, 2)
    task = Problem(data["x"].values, data["y"].values, architecture)
    weights = np.stack([initial_weights(architecture, seed) for seed in SEEDS])
    ensemble = Ensemble(SEEDS, stream_id("preparation batches"), 0.01)
    start = task.loss(weights)[0]
    sgd.advance(task, SGD(0.05, 16), ensemble, weights, 0, 12)
    descent.advance(task, 0.02, 0.01, weights, 0, 4)
    descent.advance(task, 0.002, 0.01, weights, 0, 5)
    assert pretrained["weights"].values.tobytes() == weights.tobytes()
    assert pretrained["time"].values.tolist() == [0, 4, 8, 12, 16, 21]
    assert pretrained["data_loss"].isel(time=0).values.tobytes() == start.tobytes()
    assert pretrained["data_loss"].isel(time=-1).values.tobytes() == task.loss(weights)[0].tobytes()
    # The quadratic hinge loss at W = 0 is 1/2.
    assert pretrained["state"].values.tolist() == of_losses(task.loss(weights)[0], 0.5, PROTOCOL.high_loss).tolist()
    assert pretrained["seed"].values.tolist() == list(SEEDS) and (pretrained["diverged_at"] == -1).all()
    config = config_of(pretrained)
    assert config["polish"] == [[4, 0.02], [5, 0.002]] and config["P_D"] == 50 and config["loss"] == "quadratic_hinge"


def test_repeated_seed_is_refused():
    with pytest.raises(QuenchError, match="a seed is named twice"):
        preparation.trajectory(dataset(), preparation=PROTOCOL, **CHOICES | {"seeds": (1, 2, 1)})
