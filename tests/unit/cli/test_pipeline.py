"""The commands of the pipeline by hand: they fit together, chunks change no bit, and every mistake is one line."""

import numpy as np
import pytest
import xarray as xr

from quench.cli import COMMANDS, main
from quench.data import download
from quench.dynamics import problem
from quench.dynamics.choices import Compute
from quench.observables import curvature
from quench.store import files
from quench.theory import brownian

SGD = ["--width", "6", "--depth", "3", "--weight-decay", "0.003", "--learning-rate", "0.05", "--batch-size", "30",
       "--epochs", "4", "--polish", "3:0.05,2:0.005"]  # fmt: skip
LANGEVIN = ["--step-size", "0.02", "--waiting-times", "5,20", "--lag-max", "60", "--temperature", "0.01"]
MEASURED = ["--waiting-times", "5,20", "--chi", "30"]


def quench(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One dataset, three networks in one chunk, their snapshots and observables."""
    folder = tmp_path_factory.mktemp("pipeline")
    quench("prepare", "--source", "mnist5k", "--subset", 200, "--components", 5, "-o", folder / "data.nc")
    train(folder, "whole", "0-2")
    return folder


def train(folder, name, seeds, backend="reference", threads=1):
    """Pretrained networks, snapshots and observables of ``seeds``, as files of one name."""
    how = ["--backend", backend, "--threads", threads]
    pretrained, snapshots = folder / f"pretrained-{name}.nc", folder / f"snapshots-{name}.nc"
    quench("pretrain", folder / "data.nc", *SGD, "--seeds", seeds, *how, "-o", pretrained)
    quench("run", pretrained, folder / "data.nc", *LANGEVIN, *how, "-o", snapshots)
    quench("observe", snapshots, *MEASURED, "-o", folder / f"observables-{name}.nc")
    return pretrained, snapshots


def test_files_follow_their_contracts(folder):
    data = files.read(folder / "data.nc", kind="dataset")
    assert data["x"].dims == ("sample", "component") and data["x"].dtype == np.float32
    assert set(np.unique(data["y"])) == {-1, 1}
    snapshots = files.read(folder / "snapshots-whole.nc", kind="snapshots")
    assert snapshots["weights"].dims == ("network", "time", "weight") and snapshots["weights"].dtype == np.float64
    assert snapshots["time"].dtype.kind == "i" and snapshots["seed"].values.tolist() == [0, 1, 2]
    assert (snapshots["diverged_at"] == -1).all() and snapshots["loss"].dims == ("network", "time")
    pretrained = files.read(folder / "pretrained-whole.nc", kind="pretrained")
    # The dynamics starts from the prepared weights, and sigma is theirs.
    assert np.array_equal(snapshots["weights"].isel(time=0), pretrained["weights"])
    np.testing.assert_allclose(snapshots["sigma"], pretrained["weights"].std("weight"), rtol=1e-12)
    observables = files.read(folder / "observables-whole.nc", kind="observables")
    assert observables["overlap"].dims == ("network", "waiting_time", "lag")
    assert observables["waiting_time"].values.tolist() == [5, 20]
    assert int(observables["lag"][-1]) == 60 and observables["tau90"].dims == ("network", "waiting_time")
    config = files.config_of(observables)
    assert config["chi"] == 30 and config["trajectory"]["temperature"] == 0.01
    assert config["trajectory"]["prepared"]["dataset"]["subset"] == 200
    for dataset in (data, snapshots, pretrained, observables):
        for name, variable in dataset.variables.items():
            assert variable.attrs.get("long_name"), name


def test_single_weights_of_a_run_are_those_of_its_snapshots(folder):
    snapshots, target = folder / "snapshots-whole.nc", folder / "mobility.nc"
    quench(
        "mobility",
        snapshots,
        folder / "data.nc",
        "--waiting-time",
        20,
        "--lag",
        60,
        "--backend",
        "reference",
        "-o",
        target,
    )
    weights, found = files.read(snapshots)["weights"], files.read(target, kind="mobility")
    assert np.array_equal(found["size"], np.abs(weights.sel(time=20)))
    assert np.array_equal(found["displacement"], np.abs(weights.sel(time=80) - weights.sel(time=20)))


def test_curvature_of_a_run_is_that_of_its_weights(folder):
    """The fused engine's float64 against torch, at the same weights."""
    snapshots, data, target = folder / "snapshots-whole.nc", folder / "data.nc", folder / "curvature.nc"
    quench("curvature", snapshots, data, "--waiting-time", 20, "-o", target)
    found, run, images = files.read(target, kind="curvature"), files.read(snapshots), files.read(data)
    assert found["seed"].values.tolist() == run["seed"].values.tolist()
    prepared = files.config_of(run)["prepared"]
    task = problem.of_networks(run, prepared, images, Compute("reference", "cpu", "float64"))
    weights = run["weights"].sel(time=20).values.astype(float)
    expected = curvature.stiffness(task, weights, prepared["weight_decay"])
    # The two engines round their gradients differently, by 1e-16 over differences of 1e-9.
    np.testing.assert_allclose(found["stiffness"], expected, atol=1e-6)
    assert found["stiffness"].std() > 1e-3


def test_training_went_down(folder):
    loss = files.read(folder / "pretrained-whole.nc")["loss"]
    assert (loss.isel(time=-1) < loss.isel(time=0)).all()


def test_hot_networks_move_like_brownian_weights_at_first(folder):
    """One update: displacements are the noise and mu times a gradient that is smaller by far, so MSD(1) = 2 D.

    3 networks of N = 108 weights, two waiting times, averaged: sqrt(2/648) = 5.6 %, five of which are 28 %.
    """
    observables = files.read(folder / "observables-whole.nc")
    expected = float(brownian.msd(1, brownian.diffusion_constant(0.02, 0.01, 200)))
    assert float(observables["msd"].sel(lag=1).mean()) == pytest.approx(expected, rel=0.28)


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_chunks_change_no_bit_of_any_observable(folder, tmp_path, backend):
    """Seeds 0-2 as one job, as three jobs, and as 0-1 and 2, through all commands."""
    (tmp_path / "data.nc").write_bytes((folder / "data.nc").read_bytes())
    cuts = {"all": ["0-2"], "single": ["0", "1", "2"], "uneven": ["0-1", "2"]}
    pooled = {}
    for cut, chunks in cuts.items():
        for index, seeds in enumerate(chunks):
            train(tmp_path, f"{cut}{index}", seeds, backend, threads=1 + index)
        parts = [tmp_path / f"snapshots-{cut}{index}.nc" for index in range(len(chunks))]
        quench("observe", *parts, *MEASURED, "-o", tmp_path / f"{cut}.nc")
        pooled[cut] = files.read(tmp_path / f"{cut}.nc", kind="observables")
    whole = pooled["all"]
    assert {"overlap", "msd", "alpha2", "fourth_moment", "motility", "tau90", "tau_e", "loss"} <= set(whole.data_vars)
    assert np.isfinite(whole["overlap_mean"]).all() and (whole["n_networks"] == 3).all()
    for cut in ("single", "uneven"):
        assert set(pooled[cut].variables) == set(whole.variables)
        for name in whole.variables:
            same = np.array_equal(pooled[cut][name], whole[name], equal_nan=whole[name].dtype.kind == "f")
            assert same, f"{name} differs where seeds are cut {cut}"
        # Not only equal: the same file.
        assert (tmp_path / f"{cut}.nc").read_bytes() == (tmp_path / "all.nc").read_bytes()


def test_same_command_gives_the_same_bytes(folder, tmp_path):
    (tmp_path / "data.nc").write_bytes((folder / "data.nc").read_bytes())
    train(tmp_path, "whole", "0-2")
    for name in ("pretrained-whole.nc", "snapshots-whole.nc", "observables-whole.nc"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_sgd_dynamics_runs_from_the_same_networks(folder, tmp_path):
    quench("run", folder / "pretrained-whole.nc", folder / "data.nc", "--dynamics", "sgd", "--batch-size", 20,
           "--step-size", 0.01, "--waiting-times", 10, "--lag-max", 40, "--backend", "reference",
           "-o", tmp_path / "sgd.nc")  # fmt: skip
    snapshots = files.read(tmp_path / "sgd.nc", kind="snapshots")
    assert files.config_of(snapshots)["batch_size"] == 20
    assert np.array_equal(snapshots["weights"].isel(time=0), files.read(folder / "pretrained-whole.nc")["weights"])
    assert (snapshots["weights"].isel(time=-1) != snapshots["weights"].isel(time=0)).any()


def test_diverging_network_does_not_stop_the_others(folder, tmp_path):
    """A network of huge weights is lost, recorded and left out; what is averaged are the others."""
    pretrained = xr.load_dataset(folder / "pretrained-whole.nc")
    pretrained["weights"][0] *= 1e4
    files.write(pretrained, tmp_path / "wild.nc", kind="pretrained", config=files.config_of(pretrained), code="test")
    quench(
        "run", tmp_path / "wild.nc", folder / "data.nc", *LANGEVIN, "--backend", "reference", "-o", tmp_path / "s.nc"
    )
    snapshots = files.read(tmp_path / "s.nc")
    assert int(snapshots["diverged_at"][0]) > 0 and (snapshots["diverged_at"][1:] == -1).all()
    lost = snapshots["time"] >= snapshots["diverged_at"][0]
    assert np.isnan(snapshots["loss"][0].where(lost, drop=True)).all()
    quench("observe", tmp_path / "s.nc", "--waiting-times", "5,20", "--chi", 30, "-o", tmp_path / "o.nc")
    observables, healthy = files.read(tmp_path / "o.nc"), files.read(folder / "observables-whole.nc")
    assert int(observables["n_diverged"]) == 1 and (observables["n_networks"] == 2).all()
    assert np.array_equal(observables["overlap"][1:], healthy["overlap"][1:])
    np.testing.assert_allclose(observables["msd_mean"], healthy["msd"][1:].mean("network"), rtol=1e-12)


def test_foreign_snapshots_are_measured(tmp_path):
    """Any file of the contract's one variable will do, whoever wrote it: float32, dimensions in another order."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(0.01 * rng.normal(size=(50, 2, 30)), axis=0).astype(np.float32) + 1
    foreign = xr.Dataset({"weights": (("time", "network", "weight"), walk)}, coords={"time": np.arange(50.0)})
    foreign.assign_attrs(config="mine", kind_of="run").to_netcdf(tmp_path / "foreign.nc")
    quench("observe", tmp_path / "foreign.nc", "--waiting-times", "0,10", "--chi", 2, "-o", tmp_path / "o.nc")
    observables = files.read(tmp_path / "o.nc", kind="observables")
    moved = walk[30] - walk[10].astype(float)
    assert float(observables["msd"].sel(waiting_time=10, lag=20, network=1)) == pytest.approx(
        np.mean(moved[1] ** 2), rel=1e-6
    )


@pytest.mark.parametrize("never", [-1, np.nan])
def test_foreign_file_may_say_who_was_lost_without_calling_it_a_coordinate(tmp_path, never):
    """As plain netCDF4 writes them: seed, layer and diverged_at are variables, and a lost network holds anything."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(3, 20, 12)), axis=1)
    walk[2] = 1e300
    told = {"seed": [5, 7, 9], "diverged_at": [never, never, 4.0]}
    variables = {name: ("network", values) for name, values in told.items()}
    variables |= {"weights": (("network", "time", "weight"), walk), "layer": ("weight", np.repeat([0, 1], 6))}
    written = xr.Dataset(variables | {"time": ("time", np.arange(20))}, attrs={"kind": "snapshots"})
    written.reset_coords().to_netcdf(tmp_path / "foreign.nc")
    options = ("--waiting-times", "0,10", "--chi", 2, "--hidden-only", "-o", tmp_path / "o.nc")
    quench("observe", tmp_path / "foreign.nc", *options)
    observables = files.read(tmp_path / "o.nc", kind="observables")
    assert observables["seed"].values.tolist() == [5, 7, 9]
    assert observables["diverged_at"].values.tolist() == [-1, -1, 4]
    assert observables["n_networks"].values.tolist() == [2, 2] and int(observables["n_weights"]) == 6


# Mistakes.


@pytest.fixture(scope="module")
def spoilt(folder):
    """Files that are wrong in one way each, beside the whole ones."""
    content = (folder / "snapshots-whole.nc").read_bytes()
    (folder / "truncated.nc").write_bytes(content[: len(content) // 2])
    (folder / "text.nc").write_text("not a NetCDF file\n")
    (folder / "folder.nc").mkdir()
    whole = xr.load_dataset(folder / "snapshots-whole.nc")
    plain = whole.drop_attrs(deep=False)
    plain.drop_vars(["seed", "diverged_at"]).to_netcdf(folder / "plain.nc")
    plain.drop_vars("weights").to_netcdf(folder / "weightless.nc")
    plain.isel(time=slice(None, None, -1)).to_netcdf(folder / "backwards.nc")
    plain.rename(weight="parameter").to_netcdf(folder / "renamed.nc")
    unmarked = plain.copy(deep=True)
    unmarked["weights"][0, -1, 0] = np.nan
    unmarked.to_netcdf(folder / "unmarked.nc")
    quench("prepare", "--source", "mnist5k", "--subset", 100, "--components", 3, "-o", folder / "other.nc")
    quench("prepare", "--source", "mnist5k", "--subset", 100, "--labels", "classes", "-o", folder / "classes.nc")
    quench("run", folder / "pretrained-whole.nc", folder / "data.nc", *LANGEVIN, "--temperature", 0.02,
           "--backend", "reference", "-o", folder / "hotter.nc")  # fmt: skip
    xr.Dataset({"a": ("b", [1.0])}).to_netcdf(folder / "foreign.nc")
    return folder


PREPARE = ["prepare", "--source", "mnist5k", "-o", "OUT"]
PRETRAIN = ["pretrain", "data.nc", *SGD, "--seeds", "0", "--backend", "reference", "-o", "OUT"]
RUN = ["run", "pretrained-whole.nc", "data.nc", *LANGEVIN, "--backend", "reference", "-o", "OUT"]
OBSERVE = ["observe", "snapshots-whole.nc", "--waiting-times", "5", "--chi", "30", "-o", "OUT"]
FIGURE = ["figure", "kwj.fig3", "--run", "hot", "observables-whole.nc", "-o", "OUT"]


def replaced(words, old, new):
    assert words.count(old) == 1
    return [new if word == old else word for word in words]


MISTAKES = [
    (["prepair"], "no command 'prepair' (did you mean 'prepare'?)"),
    ([], "COMMAND"),
    (["prepare"], "required: -o/--output"),
    ([*PREPARE, "--sourc"], "--sourc"),
    ([*PREPARE, "--lables=parity"], "unrecognized argument '--lables=parity' (did you mean '--labels'?)"),
    ([*PREPARE, "data.nc"], "unrecognized argument 'data.nc'"),
    (replaced(PREPARE, "mnist5k", "mnist6k"), "(did you mean 'mnist5k'?); write, for example, mnist5k, cifar10, mine.npz"),
    ([*PREPARE, "--subset", "5010"], "P_D = 5010 is more than the 5000"),
    ([*PREPARE, "--subset", "1234"], "multiple of the 10 classes"),
    ([*PREPARE, "--subset", "-10"], "at least 1"),
    ([*PREPARE, "--subset", "ten"], "'ten' is not an integer"),
    ([*PREPARE, "--subset", "100", "--components", "101"], "is more than 100, the smaller"),
    ([*PREPARE, "--components", "800"], "is more than 784, the smaller"),
    ([*PREPARE, "--labels", "odd"], "invalid choice: 'odd'; known: parity, classes, given"),
    ([*PREPARE, "--labels", "partiy"], "invalid choice: 'partiy' (did you mean 'parity'?)"),
    (replaced(PREPARE, "mnist5k", "cifar10"), "put data_batch_1.bin into"),
    (replaced(PRETRAIN, "data.nc", "absent.nc"), "absent.nc: no such file"),
    (replaced(PRETRAIN, "data.nc", "text.nc"), "text.nc: not a readable NetCDF-4 file"),
    (replaced(PRETRAIN, "data.nc", "folder.nc"), "folder.nc: not a readable NetCDF-4 file"),
    (replaced(PRETRAIN, "data.nc", "snapshots-whole.nc"), "holds 'snapshots', not dataset"),
    (replaced(PRETRAIN, "data.nc", "foreign.nc"), "foreign.nc: no variable 'x'"),
    (replaced(PRETRAIN, "data.nc", "classes.nc"), "labels other than -1 and +1"),
    ([*PRETRAIN, "--width", "0"], "at least 1"),
    ([*PRETRAIN, "--weight-decay", "-1"], "at least 0"),
    ([*PRETRAIN, "--weight-decay", "nan"], "'nan' is out of range"),
    ([*PRETRAIN, "--learning-rate", "inf"], "'inf' is out of range"),
    ([*PRETRAIN, "--learning-rate", "0"], "more than 0"),
    ([*PRETRAIN, "--seeds", "3-1"], "starts with its smaller end"),
    ([*PRETRAIN, "--seeds", ""], "not a whole number"),
    ([*PRETRAIN, "--seeds", "0,1,0"], "named twice"),
    ([*PRETRAIN, "--seeds=-1"], "not a whole number"),
    ([*PRETRAIN, "--seeds", "1.5"], "not a whole number"),
    ([*PRETRAIN, "--polish", "5:0"], "'0' is out of range: more than 0; write, for example, 50:0.05,50:0.005"),
    ([*PRETRAIN, "--polish", "5:inf"], "'inf' is out of range: not finite; write, for example, 50:"),
    ([*PRETRAIN, "--polish", "5"], "'5' has too few values; write, for example, 50:0.05,50:0.005"),
    ([*PRETRAIN, "--backend", "gpu"], "invalid choice: 'gpu'"),
    ([*PRETRAIN, "--device", "abacus"], "'abacus' is not allowed; write, for example, cpu, cuda, cuda:1, mps"),
    ([*PRETRAIN, "--device", "cuda:first"], "'cuda:first' is not allowed; write, for example, cpu, cuda"),
    ([*PRETRAIN, "--threads", "0"], "at least 1"),
    (replaced(PRETRAIN, "OUT", "folder.nc"), "is a folder; name a file"),
    (replaced(PRETRAIN, "OUT", "text.nc/deeper/out.nc"), "text.nc"),
    ([*RUN, "--temperature", "-0.1"], "at least 0"),
    ([*RUN, "--temperature", "inf"], "'inf' is out of range"),
    ([*RUN, "--batch-size", "5"], "dynamics 'langevin' takes no batch sizes"),
    ([*RUN, "--dynamics", "sgd"], "dynamics 'sgd' needs batch sizes"),
    ([*RUN, "--momentum", "0.5"], "dynamics 'langevin' takes no momentum"),
    ([*RUN, "--anneal-start", "1"], "--anneal-updates: field required"),
    ([*RUN, "--anneal-updates", "5"], "--anneal-start: field required"),
    ([*RUN, "--anneal-start", "0", "--anneal-updates", "5", "--anneal-form", "exponential"], "take the linear form"),
    ([*RUN, "--hidden-only"], "for --snapshots streamed"),
    ([*RUN, "--snapshots", "streamed"], "--chi is needed"),
    ([*RUN, "--snapshots", "streamed", "--chi", "3,0"], "'0' is out of range: more than 0"),
    ([*RUN, "--step-size", "0"], "more than 0"),
    ([*RUN, "--waiting-times", ""], "not a whole number"),
    ([*RUN, "--lag-max", "0"], "at least 1"),
    (replaced(RUN, "data.nc", "other.nc"), "do not fit the inputs of"),
    (replaced(RUN, "pretrained-whole.nc", "data.nc"), "holds 'dataset', not pretrained"),
    (replaced(RUN, "pretrained-whole.nc", "foreign.nc"), "foreign.nc"),
    (replaced(OBSERVE, "snapshots-whole.nc", "truncated.nc"), "truncated.nc: not a readable NetCDF-4 file"),
    (replaced(OBSERVE, "snapshots-whole.nc", "weightless.nc"), "weightless.nc: no variable 'weights'"),
    (replaced(OBSERVE, "snapshots-whole.nc", "backwards.nc"), "backwards.nc: time must increase"),
    (replaced(OBSERVE, "snapshots-whole.nc", "renamed.nc"), "renamed.nc: weights has dimensions"),
    (replaced(OBSERVE, "snapshots-whole.nc", "unmarked.nc"), "not marked as diverged"),
    (replaced(OBSERVE, "snapshots-whole.nc", "observables-whole.nc"), "holds 'observables', not snapshots"),
    ([*OBSERVE, "--waiting-times", "4000"], "t_w = 4000 is not among the"),
    ([*OBSERVE, "--chi", "1e30"], "is below the resolution"),
    ([*OBSERVE, "--chi", "0"], "more than 0"),
    ([*OBSERVE, "--chi", "inf"], "'inf' is out of range"),
    ([*OBSERVE, "--lags=-5"], "not a whole number"),
    ([*OBSERVE, "--lags", "7777"], "lag 7777 follows no waiting time in its snapshots (nearest: "),
    ([*OBSERVE, "-o", "snapshots-whole.nc"], "snapshots-whole.nc: is one of the inputs"),
    (["observe", "snapshots-whole.nc", *OBSERVE[1:]], "snapshots-whole.nc: seed 0 appears twice"),
    (["observe", "plain.nc", "plain.nc", *OBSERVE[2:]], "network 0 has the weights of network 0 of plain.nc"),
    (["observe", "hotter.nc", *OBSERVE[1:]], "with another configuration"),
    (["observe", "foreign.nc", *OBSERVE[1:]], "foreign.nc"),
    (replaced(FIGURE, "kwj.fig3", "kwj.fig33"), "did you mean 'kwj.fig3'"),
    (replaced(FIGURE, "kwj.fig3", "kwj.panels"), "no figure 'kwj.panels'"),
    (["figure", "kwj.fig3", "-o", "drawn"], "kwj.fig3 needs runs"),
    ([*FIGURE, "--temperatures", "0.5"], "no observables at temperature 0.5"),
    ([*FIGURE, "--temperatures", "hot"], "'hot' is not a number"),
    ([*FIGURE, "--waiting-time", "7"], "t_w = 7 was not measured"),
    ([*FIGURE, "--run", "lonely"], "at least one file"),
    (replaced(FIGURE, "observables-whole.nc", "foreign.nc"), "foreign.nc: no variable 'overlap'"),
    (["config", "text.nc"], "must contain keys and values"),
    (["config"], "give at least one config file"),
]  # fmt: skip


@pytest.mark.parametrize("words, told", MISTAKES, ids=[f"{' '.join(words[-3:])}" for words, _ in MISTAKES])
def test_mistake_is_one_line_and_leaves_nothing(spoilt, tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.setattr(download, "_reachable", lambda address: False)
    monkeypatch.setenv("QUENCH_DATA", str(tmp_path / "nothing here"))
    monkeypatch.chdir(spoilt)
    before = sorted(spoilt.rglob("*"))
    words = [str(tmp_path / "out.nc") if word == "OUT" else word for word in words]
    try:
        status = main(words)
    except SystemExit as exit:
        status = exit.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.err.startswith("quench: ") and captured.err.count("\n") == 1
    assert told in captured.err and "Traceback" not in captured.err and captured.out == ""
    assert sorted(spoilt.rglob("*")) == before and not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert f"quench {command}" in told and "options:" in told
