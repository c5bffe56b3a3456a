"""A short run of small networks, whose snapshots are kept or measured during training."""

import numpy as np
import pytest
import xarray as xr

from quench.cli import main
from quench.networks.mlp import Architecture, initial_weights
from quench.store import files

SEEDS = (0, 1, 2)


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """A dataset of random labels, and networks of which the last one has diverged before the start."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(48, 4)).astype(np.float32), rng.choice(np.array([-1, 1], dtype=np.int8), 48)
    data = xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})
    files.write(data, folder / "data.nc", kind="dataset", config={}, code="")
    weights = np.stack([initial_weights(Architecture(4, 5, 2), seed) for seed in SEEDS])
    weights[-1, 3] = np.nan
    diverged = [-1] * (len(SEEDS) - 1) + [1]
    networks = xr.Dataset(
        {"weights": (("network", "weight"), weights)},
        coords={"seed": ("network", list(SEEDS)), "diverged_at": ("network", diverged)},
    )
    config = {"width": 5, "depth": 2, "weight_decay": 0.01}
    files.write(networks, folder / "pretrained.nc", kind="pretrained", config=config, code="")
    return folder


@pytest.fixture(scope="session")
def quench():
    """The command line, in this process; the exit status."""
    return lambda *words: main([str(word) for word in words])


@pytest.fixture(scope="session")
def run(quench):
    """``run(inputs, output, *options)``: 60 updates of the pretrained networks in the folder ``inputs``."""

    def run(inputs, output, *options, temperature="0.01", step_size="0.02"):
        dynamics = [
            "--temperature",
            temperature,
            "--step-size",
            step_size,
            "--waiting-times",
            "3,20",
            "--lag-max",
            "40",
        ]
        words = ["run", inputs / "pretrained.nc", inputs / "data.nc", *dynamics, "--backend", "reference"]
        return quench(*words, "-o", output, *options)

    return run
