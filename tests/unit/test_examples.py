"""The plain torch script beside the engine: both give the same tau90, hot and cold, within the scatter over networks."""

import importlib.util

import numpy as np
import pytest
import torch
from places import DOCS

from quench.cli import main
from quench.store import files
from quench.theory import brownian

SAMPLES, NETWORKS, EPOCHS, WAITING_TIME = 500, 32, 400, 500


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The dataset and the prepared networks of the engine, with seeds of its own."""
    folder = tmp_path_factory.mktemp("langevin")
    data, networks = str(folder / "data.nc"), str(folder / "networks.nc")
    assert main(["prepare", "--source", "mnist5k", "--subset", str(SAMPLES), "-o", data]) == 0
    words = f"--width 16 --weight-decay 0.005 --seeds 0-{NETWORKS - 1} --learning-rate 0.05 --epochs {EPOCHS}"
    assert main(["pretrain", data, *words.split(), "--polish", "50:0.05,50:0.005", "-o", networks]) == 0
    return data, networks


@pytest.mark.slow
@pytest.mark.parametrize("temperature, lag_max", [(1e-2, 40), (1e-4, 600)])
def test_plain_torch_gives_the_tau90_of_the_engine(temperature, lag_max, prepared, tmp_path):
    """The mean of log(tau90 / Brownian tau90) over networks is the same within four standard errors.

    The networks of the two programs are independent. The ratio cancels the scatter of epsilon. The engine measures at
    every lag, so its interpolated tau90, rounded up, is the script's: the first lag at which the overlap is 0.9 or less.
    """
    data, networks = prepared
    snapshots, observables = str(tmp_path / "snapshots.nc"), str(tmp_path / "observables.nc")
    words = f"--temperature {temperature} --step-size 0.02 --waiting-times {WAITING_TIME} --lag-max {lag_max}"
    words += f" --dense {lag_max} --snapshots streamed --chi 30"
    assert main(["run", networks, data, *words.split(), "-o", snapshots]) == 0
    assert main(["observe", snapshots, "--chi", "30", "-o", observables]) == 0
    measured = files.read(observables, kind="observables").sel(waiting_time=WAITING_TIME)
    free = brownian.tau90(measured["epsilon"], brownian.diffusion_constant(0.02, temperature, SAMPLES))
    engine = np.log(np.ceil(measured["tau90"]) / free).values

    torch.manual_seed(0)
    tau90, free = langevin().measure(temperature, SAMPLES, NETWORKS, EPOCHS, WAITING_TIME)
    plain = np.log((tau90 / free).double().numpy())

    assert engine.shape == plain.shape == (NETWORKS,)
    error = np.sqrt((engine.var(ddof=1) + plain.var(ddof=1)) / NETWORKS)
    assert error < 0.06  # so that a factor of 1.3 in either direction fails
    assert abs(engine.mean() - plain.mean()) < 4 * error
    # Noise moves the hot weights, the landscape the cold ones.
    assert abs(plain.mean()) < 0.15 if temperature == 1e-2 else plain.mean() < -1


def langevin():
    spec = importlib.util.spec_from_file_location("langevin", DOCS / "examples" / "langevin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
