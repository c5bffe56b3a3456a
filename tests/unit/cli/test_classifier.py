"""The commands on classifiers, from images to figures: their files, chunks, killed jobs, mistakes."""

import pytest
import xarray as xr

from quench.cli import main
from quench.dynamics.classifier_task import Task, TrainingChoices
from quench.dynamics.drift import drift
from quench.estimators.rescaling import TwoTimeCurves
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.observables.classifier_training import trajectory
from quench.observables.flatness import SpectrumChoices, flatness
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


def test_the_file_holds_the_training_as_from_python(folder, training):
    images = files.read(folder / "images.nc", kind="images")
    choices = TrainingChoices.of(files.config_of(training))
    made = trajectory(Task.of(images, choices), 1).follow()
    assert files.config_of(training) == files.config_of(made)
    xr.testing.assert_identical(training.isel(network=[1]).drop_attrs(), made.drop_attrs())


def test_chunks_of_seeds_change_no_bit(folder, training):
    for seed in (0, 1):
        alone = train(folder / f"alone{seed}.nc", str(seed))
        xr.testing.assert_identical(alone.drop_attrs(), training.isel(network=[seed]).drop_attrs())


def test_a_finished_network_is_not_trained_again(folder, training, monkeypatch):
    """A killed job leaves a part for every finished network."""
    from quench.dynamics.fused.minibatch import Descent

    path = folder / "stopped.nc"
    advance = Descent.advance

    def stop(descent, weights, first_step, n_steps):
        if descent.batches.seed == 1 and first_step >= 50:
            raise KeyboardInterrupt
        return advance(descent, weights, first_step, n_steps)

    monkeypatch.setattr(Descent, "advance", stop)
    assert main(["train", str(folder / "images.nc"), *TINY, *SHORT, "--seeds", "0-1", "-o", str(path)]) == 130
    assert not path.exists()
    trained = []

    def watched(descent, *stretch):
        trained.append(descent.batches.seed)
        return advance(descent, *stretch)

    monkeypatch.setattr(Descent, "advance", watched)
    resumed = train(path, "0-1")
    assert set(trained) == {1}
    xr.testing.assert_identical(resumed.drop_attrs(), training.drop_attrs())
    assert not list(folder.glob(".stopped*"))


def test_flatness_and_drift_are_written_as_from_python(folder, training):
    task = Task.of(files.read(folder / "images.nc"), TrainingChoices.of(files.config_of(training)))
    path, source = folder / "after.nc", [str(folder / "images.nc"), str(folder / "b.nc")]
    assert main(["flatness", *source, "--times", "0,200", "--samples", "40", "-o", str(path)]) == 0
    spectra = files.read(path, kind="flatness")
    assert files.config_of(spectra)["samples"] == 40
    xr.testing.assert_equal(spectra, flatness(task, training, [0, 200], SpectrumChoices(samples=40)))
    assert main(["drift", *source, "--starts", "100", "--lag-max", "20", "--networks", "2", "-o", str(path)]) == 0
    beside = files.read(path, kind="drift")
    assert files.config_of(beside)["training"] == files.config_of(training)
    xr.testing.assert_equal(beside, drift(task, training, [100], 20, networks=2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "{i}", *TINY, *SHORT, "--keep", "300", "--seeds", "0"], "beyond the run"),
        (["train", "{i}", *TINY, *SHORT, "--batch-size", "61", "--seeds", "0"], "more than the 60 samples"),
        (
            ["train", "{i}", *TINY, *SHORT, "--train-samples", "4001", "--seeds", "0"],
            "4001 is more than the 4000 train images",
        ),
        (["train", "{i}", *TINY, *SHORT, "--widths", "6", "--seeds", "0"], "2 widths"),
        (["train", "{b}", *TINY, *SHORT, "--seeds", "0"], "holds 'training', not images"),
        (["images", "--source", "mnist6k"], "invalid choice: 'mnist6k' (did you mean 'mnist5k'?)"),
        (["train", "{i}", "--model", "C", "--pool", "2", *SHORT, "--seeds", "0"], "at least 16x16"),
        (["flatness", "{i}", "{b}", "--times", "50"], "t = 50 were not kept"),
        (["flatness", "{i}", "{b}", "--times", "200", "--samples", "61"], "more than the 60"),
        (
            ["drift", "{i}", "{b}", "--starts", "100", "--lag-max", "5", "--networks", "3"],
            "networks: 3 is more than the 2",
        ),
    ],
)
def test_mistakes_are_reported_in_one_line(folder, training, capsys, arguments, message):
    words = [word.replace("{b}", str(folder / "b.nc")).replace("{i}", str(folder / "images.nc")) for word in arguments]
    assert main([*words, "-o", str(folder / "never.nc")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]
    assert lines[-1].startswith("quench: ")
    assert not (folder / "never.nc").exists()


def test_figures_read_trainings(training):
    inputs = FigureInputs({"classifiers": {"b": [training.isel(network=[0]), training.isel(network=[1])]}})
    joined = inputs.training("b")
    assert joined.attrs["n_networks"] == 2
    curves = panels.two_time(joined)
    assert isinstance(curves, TwoTimeCurves)
    learning = panels.learning(joined)
    assert learning["train_loss"].values[0] == pytest.approx(training["train_loss"].values[:, 0].mean())
    assert "M$ = 197" in inputs.scale_label()
