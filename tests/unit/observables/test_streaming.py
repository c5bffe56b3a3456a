"""Observables measured during training are those of stored snapshots, to the last bit."""

import numpy as np
import pytest

from quench.cost.disk import _BIN_BYTES, readable, snapshot_bytes
from quench.dynamics.schedule import Schedule
from quench.observables.displacement import MOTILITY_EDGES
from quench.pipeline.stages import STAGES
from quench.provenance.fingerprint import dependencies
from quench.store import files

CHIS = (30.0, 100.0)


@pytest.fixture(scope="module")
def trajectories(inputs, run, tmp_path_factory):
    """The same dynamics with stored snapshots and streamed, of all weights and of the hidden ones."""
    folder = tmp_path_factory.mktemp("trajectories")
    paths = {name: folder / f"{name}.nc" for name in ("full", "streamed", "hidden")}
    streamed = ["--snapshots", "streamed", "--chi", ",".join(map(str, CHIS)), "--motility-lags", "10,40"]
    assert run(inputs, paths["full"]) == 0
    assert run(inputs, paths["streamed"], *streamed, "--mobility", "20,40") == 0
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
def test_files_of_observables_are_equal(trajectories, quench, tmp_path, chi, times, weights, lags):
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


def test_single_weights_are_those_of_snapshots(inputs, trajectories, quench, tmp_path):
    data, times = inputs / "data.nc", ["--waiting-time", "20", "--lag", "40", "--backend", "reference"]
    for name in ("full", "streamed"):
        assert quench("mobility", trajectories[name], data, *times, "-o", tmp_path / f"{name}.nc") == 0
    assert (tmp_path / "full.nc").read_bytes() == (tmp_path / "streamed.nc").read_bytes()
    measured = files.read(tmp_path / "full.nc").isel(network=0)
    assert all((measured[name] > 0).any() for name in ("size", "displacement", "data_gradient"))


def test_single_weights_at_other_times_are_refused(inputs, trajectories, quench, tmp_path, capsys):
    for name, known in (("streamed", "t_w = 20, t = 40"), ("hidden", "no times")):
        words = ("mobility", trajectories[name], inputs / "data.nc", "--waiting-time", "3", "--lag", "40")
        assert quench(*words, "-o", tmp_path / "m.nc") == 2
        assert f"was not measured during training; measured: {known}" in capsys.readouterr().err


def test_every_stage_that_reads_runs_takes_both_kinds():
    """The stages whose equality is tested above are all that there are; a response is observed as well.

    A Hessian needs the weights, which a streamed run does not keep.
    """
    readers = {stage.rule for stage in STAGES.values() if "run" in stage.reads}
    assert readers == {"observe", "response", "mobility", "curvature"}


def test_no_snapshot_is_stored(trajectories):
    streamed = files.read(trajectories["hidden"])
    assert "weight" not in streamed.dims
    assert "weights" not in files.read(trajectories["streamed"])
    assert files.config_of(streamed) == files.config_of(files.read(trajectories["full"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chi", "31", "--waiting-times", "3"], "chi = 31 was not measured during training; measured: 30, 100"),
        (["--chi", "30", "--waiting-times", "4"], "waiting_time = 4 was not measured during training; measured: 3, 20"),
        (["--chi", "30", "--waiting-times", "3", "--lags", "39"], "lag = 39 was not measured"),
        (["--chi", "30", "--waiting-times", "3", "--motility-lags", "5"], "motility_lag = 5 was not measured"),
        (["--chi", "30", "--waiting-times", "3", "--hidden-only"], "was measured with the output layer"),
    ],
)
def test_what_was_not_measured_is_named(trajectories, quench, tmp_path, capsys, options, message):
    options = [*options, *([] if "--motility-lags" in options else ["--motility-lags", "10,40"])]
    assert quench("observe", trajectories["streamed"], *options, "-o", tmp_path / "o.nc") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.nc").exists()


def test_a_network_that_diverges_is_the_same_in_both(inputs, run, quench, tmp_path):
    """A step far beyond stability: every network overflows within the run, at an update of its own."""
    hot = {"step_size": "40"}
    assert run(inputs, tmp_path / "full.nc", **hot) == 0
    assert run(inputs, tmp_path / "streamed.nc", "--snapshots", "streamed", "--chi", "30", **hot) == 0
    assert (files.read(tmp_path / "full.nc")["diverged_at"] > 0).any()
    for name in ("full", "streamed"):
        which = ["--waiting-times", "3", "--chi", "30"]
        assert quench("observe", tmp_path / f"{name}.nc", *which, "-o", tmp_path / f"o-{name}.nc") == 0
    assert (tmp_path / "o-full.nc").read_bytes() == (tmp_path / "o-streamed.nc").read_bytes()


def test_chunks_of_seeds_change_no_bit(inputs, run, tmp_path):
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


def test_reported_disk_space_is_what_the_file_takes(inputs, run, tmp_path, capsys):
    assert run(inputs, tmp_path / "full.nc") == 0
    reported = capsys.readouterr().err.splitlines()[0]
    taken = files.read(tmp_path / "full.nc")["weights"].nbytes
    assert taken == snapshot_bytes(3, len(Schedule((3, 20), 40).times), 50)
    assert f": {readable(taken)} on disk" in reported
    assert 4 * (len(MOTILITY_EDGES) - 1) == _BIN_BYTES


def test_a_full_disk_is_noticed_before_the_work(inputs, run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 1000}))
    assert run(inputs, tmp_path / "full.nc") == 2
    assert "1.0 kB free" in capsys.readouterr().err


def test_streamed_runs_depend_on_what_is_measured_and_on_nothing_derived():
    """An edit of a relaxation time or of an average must not train the networks again."""
    covered = {name.removeprefix("quench.observables.") for name in dependencies("quench.observables.streaming")}
    assert {"table", "accumulator", "overlap", "displacement"} <= covered
    assert not {"derived", "relaxation", "average", "measure"} & covered
