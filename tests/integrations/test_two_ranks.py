"""Two processes train one model: the file holds the weights that the first of them saved."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import quench
from quench.store import snapshots

SCRIPT = Path(__file__).with_name("rank.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of all trainings, in one pair of processes."""
    folder = tmp_path_factory.mktemp("ranks")
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "--local-addr=localhost",
    ]
    paths = [str(Path(quench.__file__).parents[1]), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [*launch, str(SCRIPT), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", ["ddp", "ddp overwritten", "ddp compiled", "compiled ddp", "ddp resumed"])
def test_replicas(trained, kind):
    found = snapshots.read(trained / kind / "run.nc")
    assert np.array_equal(found["weights"][0], np.load(trained / kind / "saved.npy"))
    assert found["layer"].attrs["flag_meanings"] == "0 2"
    assert sorted(path.name for path in (trained / kind).iterdir()) == ["run.nc", "saved.npy"]


@pytest.mark.parametrize("kind", ["fsdp", "fsdp sample", "fsdp resumed"])
def test_parts_of_one_model(trained, kind):
    found, saved = snapshots.read(trained / kind / "run.nc"), np.load(trained / kind / "saved.npy")
    assert found.sizes["weight"] == (10 if kind == "fsdp sample" else saved.shape[1])
    places = found["weight"].values if "weight" in found.coords else slice(None)
    assert np.array_equal(found["weights"][0], saved[:, places])


@pytest.mark.parametrize("kind", ["Lightning", "Trainer"])
def test_callbacks_of_the_first_process_write(trained, kind):
    found = snapshots.read(trained / kind / "run.nc")
    assert np.array_equal(found["weights"][0], np.load(trained / kind / "saved.npy"))
    assert found["layer"].attrs["flag_meanings"].split()[found["layer"].attrs["output_layer"]] in ("net.2", "lm_head")
    assert not (trained / kind / "run.nc.part").exists()


def test_models_without_a_wrapper_have_one_writer(trained):
    folder = trained / "unwrapped"
    assert "another process is recording to this file" in (folder / "refused1").read_text()
    assert np.array_equal(snapshots.read(folder / "run.nc")["weights"][0], np.load(folder / "saved.npy"))


def test_model_that_hides_its_weights_is_refused_in_each_process(trained):
    folder = trained / "flat parameters"
    assert all("use fully_shard() instead" in (folder / f"refused{rank}").read_text() for rank in (0, 1))
    assert not (folder / "run.nc.part").exists()
