"""Observables measured while training are those of full snapshots, to the last bit."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.cli import main
from quench.cost.disk import _BIN_BYTES, readable, snapshot_bytes
from quench.dynamics.schedule import Schedule
from quench.networks.mlp import Architecture, initial_weights
from quench.observables.displacement import MOTILITY_EDGES, moment, motility
from quench.observables.overlap import overlap
from quench.observables.pairs import Pairs
from quench.store import files

SEEDS = (0, 1, 2)
CHIS = (30.0, 100.0)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A dataset of random labels, and networks of which the last one is lost from the start."""
    folder = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(48, 4)).astype(np.float32), rng.choice(np.array([-1, 1], dtype=np.int8), 48)
    data = xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})
    files.write(data, folder / "data.nc", kind="dataset", config={}, code="")
    weights = np.stack([initial_weights(Architecture(4, 5, 2), seed) for seed in SEEDS])
    weights[-1, 3] = np.nan
    lost = [-1] * (len(SEEDS) - 1) + [1]
    networks = xr.Dataset(
        {"weights": (("network", "weight"), weights)},
        coords={"seed": ("network", list(SEEDS)), "diverged_at": ("network", lost)},
    )
    config = {"width": 5, "depth": 2, "weight_decay": 0.01}
    files.write(networks, folder / "pretrained.nc", kind="pretrained", config=config, code="")
    return folder


def quench(*words):
    return main([str(word) for word in words])


def run(inputs, output, *options, temperature="0.01", step_size="0.02"):
    dynamics = ["--temperature", temperature, "--step-size", step_size, "--waiting-times", "3,20", "--lag-max", "40"]
    words = ["run", inputs / "pretrained.nc", inputs / "data.nc", *dynamics, "--backend", "reference"]
    return quench(*words, "-o", output, *options)


@pytest.fixture(scope="module")
def trajectories(inputs):
    """The same dynamics kept and streamed, all weights and the hidden ones."""
    paths = {name: inputs / f"{name}.nc" for name in ("full", "streamed", "hidden")}
    streamed = ["--snapshots", "streamed", "--chi", ",".join(map(str, CHIS)), "--motility-lags", "10,40"]
    assert run(inputs, paths["full"]) == 0
    assert run(inputs, paths["streamed"], *streamed) == 0
    assert run(inputs, paths["hidden"], *streamed, "--hidden-only") == 0
    return paths


@pytest.mark.parametrize(
    ("chi", "times", "weights", "lags"),
    [
        (30.0, "3,20", "all", ()),
        (100.0, "3,20", "all", ()),
        (100.0, "20", "hidden", ()),
        (30.0, "3", "all", ("--lags", "0,10,40")),
    ],
)
def test_the_observables_files_are_equal(trajectories, tmp_path, chi, times, weights, lags):
    which = ["--waiting-times", times, "--chi", chi, "--motility-lags", "10,40", *lags]
    hidden = ["--hidden-only"] if weights == "hidden" else []
    streamed = trajectories["hidden" if hidden else "streamed"]
    assert quench("observe", trajectories["full"], *which, *hidden, "-o", tmp_path / "full.nc") == 0
    assert quench("observe", streamed, *which, *hidden, "-o", tmp_path / "streamed.nc") == 0
    assert (tmp_path / "full.nc").read_bytes() == (tmp_path / "streamed.nc").read_bytes()
    measured = files.read(tmp_path / "full.nc")
    assert measured["overlap"].isel(network=0, lag=-1).values.max() < 1, "something moved"
    assert measured["diverged_at"].values.tolist() == [-1, -1, 0]
    assert np.isnan(measured["msd"].isel(network=2)).all()


def test_no_snapshot_is_kept(trajectories):
    streamed = files.read(trajectories["streamed"])
    assert "weight" not in streamed.dims
    assert files.config_of(streamed) == files.config_of(files.read(trajectories["full"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chi", "31", "--waiting-times", "3"], "chi = 31 was not measured while training; measured: 30, 100"),
        (["--chi", "30", "--waiting-times", "4"], "waiting_time = 4 was not measured while training; measured: 3, 20"),
        (["--chi", "30", "--waiting-times", "3", "--lags", "39"], "lag = 39 was not measured"),
        (["--chi", "30", "--waiting-times", "3", "--motility-lags", "5"], "motility_lag = 5 was not measured"),
        (["--chi", "30", "--waiting-times", "3", "--hidden-only"], "was measured with the output layer"),
    ],
)
def test_what_was_not_measured_is_told(trajectories, tmp_path, capsys, options, message):
    options = [*options, *([] if "--motility-lags" in options else ["--motility-lags", "10,40"])]
    assert quench("observe", trajectories["streamed"], *options, "-o", tmp_path / "o.nc") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.nc").exists()


def test_a_network_lost_on_the_way_is_the_same_in_both(inputs, tmp_path):
    """A step far beyond stability: every network overflows within the run, at an update of its own."""
    hot = {"step_size": "40"}
    assert run(inputs, tmp_path / "full.nc", **hot) == 0
    assert run(inputs, tmp_path / "streamed.nc", "--snapshots", "streamed", "--chi", "30", **hot) == 0
    lost = files.read(tmp_path / "full.nc")["diverged_at"].values
    assert (lost > 0).any()
    for name in ("full", "streamed"):
        which = ["--waiting-times", "3", "--chi", "30"]
        assert quench("observe", tmp_path / f"{name}.nc", *which, "-o", tmp_path / f"o-{name}.nc") == 0
    assert (tmp_path / "o-full.nc").read_bytes() == (tmp_path / "o-streamed.nc").read_bytes()


def test_chunks_of_seeds_change_no_bit(inputs, tmp_path):
    """Networks trained one by one and together: the same snapshots."""
    pretrained = files.read(inputs / "pretrained.nc")
    assert run(inputs, tmp_path / "together.nc") == 0
    together = files.read(tmp_path / "together.nc")
    for network in range(2):
        folder = tmp_path / str(network)
        alone = pretrained.isel(network=[network])
        files.write(alone, folder / "pretrained.nc", kind="pretrained", config=files.config_of(pretrained), code="")
        (folder / "data.nc").symlink_to(inputs / "data.nc")
        assert run(folder, folder / "alone.nc") == 0
        one = files.read(folder / "alone.nc")
        assert one["weights"].values[0].tobytes() == together["weights"].values[network].tobytes()
        assert one["loss"].values[0].tobytes() == together["loss"].values[network].tobytes()


def test_the_room_that_is_told_is_the_room_that_is_taken(inputs, tmp_path, capsys):
    assert run(inputs, tmp_path / "full.nc") == 0
    told = capsys.readouterr().err.splitlines()[0]
    taken = files.read(tmp_path / "full.nc")["weights"].nbytes
    assert taken == snapshot_bytes(3, len(Schedule((3, 20), 40).times), 50)
    assert f": {readable(taken)} on disk" in told
    assert 4 * (len(MOTILITY_EDGES) - 1) == _BIN_BYTES


def test_a_full_disk_is_noticed_before_the_work(inputs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000}))
    assert run(inputs, tmp_path / "full.nc") == 2
    assert "1.0 kB free" in capsys.readouterr().err


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(0, 12), min_size=1, max_size=3),
    st.integers(1, 8),
    st.integers(0, 20),
    st.integers(0, 2**32 - 1),
)
def test_pairs_are_those_of_the_definitions_wherever_they_are_cut(waiting_times, lag_max, cut, seed):
    """Against overlap, moment and motility applied to each pair, through a memory that is saved and restored."""
    schedule = Schedule(tuple(sorted(waiting_times)), lag_max)
    rng = np.random.default_rng(seed)
    epsilon = rng.uniform(0.1, 2, size=(2, 3))
    trajectory = {int(time): rng.normal(size=(3, 11)).cumsum(axis=1) for time in schedule.times}

    def fresh():
        return Pairs(sorted(waiting_times), schedule.lags, schedule.lags[-1:], epsilon)

    pairs = fresh()
    for number, (time, weights) in enumerate(trajectory.items()):
        if number == cut:
            memory = {name: values.copy() for name, values in pairs.memory().items()}
            pairs = fresh()
            pairs.restore(memory)
        pairs.see(time, weights)
        assert set(pairs.references) <= {i for i, t in enumerate(sorted(waiting_times)) if t <= time < t + lag_max}
    for row, waiting_time in enumerate(sorted(waiting_times)):
        reference = xr.DataArray(trajectory[waiting_time], dims=("network", "weight"))
        for column, lag in enumerate(schedule.lags):
            later = xr.DataArray(trajectory[waiting_time + int(lag)], dims=("network", "weight"))
            for number, lengths in enumerate(epsilon):
                expected = overlap(later, reference, xr.DataArray(lengths, dims="network"))
                assert pairs.overlap[number, :, row, column].tobytes() == expected.values.tobytes()
            assert pairs.msd[:, row, column].tobytes() == moment(later, reference, 2).values.tobytes()
            assert pairs.fourth_moment[:, row, column].tobytes() == moment(later, reference, 4).values.tobytes()
        assert np.array_equal(pairs.motility[:, row, 0], motility(later, reference).values)
