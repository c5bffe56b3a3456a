"""The commands on classifiers, from images to figures: what they write, chunks, killed jobs, mistakes."""

import numpy as np
import pytest
import xarray as xr

from quench.cli import main
from quench.estimators.rescaling import TwoTimeCurves
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.store import files

TINY = ["--model", "B", "--widths", "6,5", "--train-samples", "60", "--test-samples", "20", "--pool", "7"]
SHORT = ["--batch-size", "6", "--rate", "0.1", "--steps", "200", "--keep", "0,100,200"]


def train(path, seeds, *more):
    images = path.parent / "images.nc"
    if not images.exists():
        assert main(["images", "--source", "mnist5k", "-o", str(images)]) == 0
    assert main(["train", str(images), *TINY, *SHORT, "--seeds", seeds, *more, "-o", str(path)]) == 0
    return files.read(path, kind="training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("classifiers")


@pytest.fixture(scope="module")
def training(folder):
    return train(folder / "b.nc", "0-1")


def test_a_training_holds_what_its_contract_says(training):
    config = files.config_of(training)
    assert config["n_weights"] == 16 * 6 + 6 + 6 * 5 + 5 + 5 * 10 + 10
    assert config["n_train"] == 60
    assert config["constant_loss"] == pytest.approx(np.log(10))
    assert training["seed"].values.tolist() == [0, 1]
    assert (training["diverged_at"] == -1).all()
    for name in ("train_loss", "test_accuracy", "noise", "gradient_square"):
        assert np.isfinite(training[name]).all()
    assert (training["train_loss"].isel(time=-1) < training["train_loss"].isel(time=0)).all()
    kept = training["weights"]
    at = {int(t): i for i, t in enumerate(training["kept_time"].values)}
    by_hand = ((kept[:, at[200]].astype(float) - kept[:, at[0]]) ** 2).mean("weight")
    streamed = training["displacement"].sel(waiting_time=0, lag=200).isel(start=0)
    np.testing.assert_allclose(streamed, by_hand, rtol=1e-5)  # float32 differences


def test_chunks_of_seeds_change_no_bit(folder, training):
    for seed in (0, 1):
        alone = train(folder / f"alone{seed}.nc", str(seed))
        xr.testing.assert_identical(alone.drop_attrs(), training.isel(network=[seed]).drop_attrs())


def test_a_finished_network_is_not_trained_again(folder, training, monkeypatch):
    """What a killed job leaves: a part of its own for every finished network."""
    from quench.dynamics import minibatch

    path = folder / "stopped.nc"
    whole = minibatch.DataOrder.batch

    def stop(order, step):
        if order.seed == 1 and step == 50:
            raise KeyboardInterrupt
        return whole(order, step)

    monkeypatch.setattr(minibatch.DataOrder, "batch", stop)
    assert main(["train", str(folder / "images.nc"), *TINY, *SHORT, "--seeds", "0-1", "-o", str(path)]) == 130
    assert not path.exists()
    trained = []

    def watched(order, step):
        trained.append(order.seed)
        return whole(order, step)

    monkeypatch.setattr(minibatch.DataOrder, "batch", watched)
    resumed = train(path, "0-1")
    assert set(trained) == {1}
    xr.testing.assert_identical(resumed.drop_attrs(), training.drop_attrs())
    assert not list(folder.glob(".stopped*"))


def test_a_lost_network_stays_in_the_file_as_lost(folder):
    lost = train(folder / "lost.nc", "0-1", "--rate", "1e30")
    assert (lost["diverged_at"] > 0).all()
    assert np.isnan(lost["train_loss"].isel(time=-1)).all()
    assert np.isnan(lost["weights"].sel(kept_time=200)).all()


def test_flatness_and_drift_of_kept_configurations(folder, training):
    flat, drift = folder / "flat.nc", folder / "drift.nc"
    source = [str(folder / "images.nc"), str(folder / "b.nc")]
    assert main(["flatness", *source, "--times", "0,200", "--samples", "40", "-o", str(flat)]) == 0
    spectra = files.read(flat, kind="flatness")
    assert spectra["nodes"].shape == (2, 2, 1, training.sizes["weight"])
    assert (spectra["edges"].isel(edge=0) <= spectra["edges"].isel(edge=1)).all()
    # Two lines along each run would need three times; here one each, and one between the networks' ends.
    assert spectra.sizes["line"] == 3
    ends = training["train_loss"].sel(time=[0, 200]).values
    np.testing.assert_allclose(spectra["line_loss"].values[0, [0, -1]], ends[0], rtol=1e-5)
    assert main(["drift", *source, "--starts", "100", "--lag-max", "20", "-o", str(drift)]) == 0
    beside = files.read(drift, kind="drift")
    # SGD restarted from the kept configuration repeats the training: the same batches from the same weights.
    streamed = ((training["weights"].sel(kept_time=200) - training["weights"].sel(kept_time=100)) ** 2).mean("weight")
    assert main(["drift", *source, "--starts", "100", "--lag-max", "100", "-o", str(drift)]) == 0
    again = files.read(drift, kind="drift")
    np.testing.assert_allclose(again["sgd"].values[0, 0, -1], streamed.values[0], rtol=1e-5)
    np.testing.assert_allclose(beside["sgd"].values[0, 0, 0], again["sgd"].values[0, 0, 0], rtol=1e-6)


def test_a_stochastic_spectrum_has_its_bounds(folder, training):
    path = folder / "stochastic.nc"
    options = ["--method", "stochastic", "--probes", "3", "--lanczos-steps", "8", "--samples", "40"]
    source = [str(folder / "images.nc"), str(folder / "b.nc")]
    assert main(["flatness", *source, "--times", "200", *options, "-o", str(path)]) == 0
    flat = files.read(path, kind="flatness")["flat"]
    assert (flat.isel(bound=1) <= flat.isel(bound=2)).all()
    np.testing.assert_allclose(files.read(path)["node_weights"].sum("node"), 1, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{i}", *TINY, *SHORT, "--keep", "300", "--seeds", "0"], "beyond the run"),
        (["train", "{i}", *TINY, *SHORT, "--batch-size", "61", "--seeds", "0"], "more than the 60 samples"),
        (["train", "{i}", *TINY, *SHORT, "--train-samples", "4001", "--seeds", "0"], "4001 train samples are wanted"),
        (["train", "{i}", *TINY, *SHORT, "--widths", "6", "--seeds", "0"], "2 widths"),
        (["train", "{b}", *TINY, *SHORT, "--seeds", "0"], "'training', but images is wanted"),
        (["images", "--source", "mnist6k"], "no dataset 'mnist6k'"),
        (["train", "{i}", "--model", "C", "--pool", "2", *SHORT, "--seeds", "0"], "at least 16x16"),
        (["flatness", "{i}", "{b}", "--times", "50"], "was not kept"),
        (["flatness", "{i}", "{b}", "--times", "200", "--samples", "61"], "more than the 60"),
        (["drift", "{i}", "{b}", "--starts", "100", "--lag-max", "5", "--networks", "3"], "3 are wanted"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, training, capsys, arguments, message):
    words = [word.replace("{b}", str(folder / "b.nc")).replace("{i}", str(folder / "images.nc")) for word in arguments]
    assert main([*words, "-o", str(folder / "never.nc")]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert message in told[-1]
    assert told[-1].startswith("quench: ")
    assert not (folder / "never.nc").exists()


def test_figures_read_trainings(training):
    inputs = FigureInputs({"classifiers": {"b": [training.isel(network=[0]), training.isel(network=[1])]}})
    joined = inputs.training("b")
    assert joined.attrs["n_networks"] == 2
    curves = panels.two_time(joined)
    assert isinstance(curves, TwoTimeCurves)
    known = panels.learning(joined)
    assert known["train_loss"].values[0] == pytest.approx(training["train_loss"].values[:, 0].mean())
    assert "M$ = 197" in inputs.scale_label()
