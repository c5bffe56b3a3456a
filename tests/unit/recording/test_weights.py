"""The layers of a model, its output layer, its type and samples of its weights."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn
from torch.nn.utils import parametrizations

import quench
from quench.cli import main
from quench.errors import QuenchError
from quench.recording.weights import drawn
from quench.store import snapshots


class HeadFirst(nn.Module):
    """Layers (inputs, outputs) by name, the output layer first, and any other modules."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, nn.Linear(*layer) if isinstance(layer, tuple) else layer)


class Tied(nn.Module):
    def __init__(self, head_first=False):
        super().__init__()
        self.head = nn.Linear(3, 7, bias=False) if head_first else None
        self.embed, self.body, self.norm = nn.Embedding(7, 3), nn.Linear(3, 3), nn.LayerNorm(3)
        self.head = self.head or nn.Linear(3, 7, bias=False)
        self.head.weight = self.embed.weight


class Stated(HeadFirst):
    """As models of the transformers library do."""

    def get_output_embeddings(self):
        return self.project


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(torch.randn(4, 5)), nn.Parameter(torch.randn(5, 2))


def two(register=lambda layer: layer):
    return nn.Sequential(register(nn.Linear(4, 5)), nn.ReLU(), register(nn.Linear(5, 2)))


def walked(model, path, updates=4, **options):
    """A recording of a random walk of the weights of ``model``."""
    recorder = quench.record(model, range(updates + 1), path, seed=0, **options)
    for _ in range(updates):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p) * 0.01)
        recorder.step()


def observe(folder, *options):
    return main(
        ["observe", str(folder / "run.nc"), "--waiting-times", "1", *options, "-o", str(folder / "observables.nc")]
    )


@pytest.mark.parametrize(
    ("model", "layers", "output", "hidden"),
    [
        (two(), "0 2", "2", 25),
        (two(parametrizations.weight_norm), "0 2", "2", 30),
        (two(parametrizations.spectral_norm), "0 2", "2", 25),
        (nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2), nn.LayerNorm(2)), "0 1 2", "1", 29),
        (HeadFirst(head=(5, 2), body=(4, 5)), "head body", "head", 25),
        (HeadFirst(out=(5, 2), body=(4, 5)), "out body", "out", 25),
        (HeadFirst(last=(5, 2), middle=(6, 5), first=(4, 6)), "last middle first", "last", 65),
        (HeadFirst(classifier=nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 2)), body=(4, 5)), None, "classifier.1", 55),
        (HeadFirst(model=HeadFirst(lm_head=(5, 2), body=(4, 5))), None, "model.lm_head", 25),
        (Stated(project=(5, 5), body=(5, 5)), "project body", "project", 30),
        (Tied(), "head body norm", "head", 18),
        (Tied(head_first=True), "head body norm", "head", 18),
        (torch.compile(HeadFirst(head=(5, 2), body=(4, 5)), backend="eager"), "head body", "head", 25),
        (nn.DataParallel(two(parametrizations.weight_norm)), "0 2", "2", 30),
        (nn.Sequential(nn.ModuleDict({"my layer": nn.Linear(4, 5), "other": nn.Linear(5, 2)})), None, "0.other", 25),
    ],
)
def test_hidden_weights_are_those_outside_the_output_layer(tmp_path, capsys, model, layers, output, hidden):
    walked(model, tmp_path / "run.nc")
    layer = snapshots.read(tmp_path / "run.nc")["layer"]
    names = layer.attrs["flag_meanings"].split()
    assert layers is None or names == layers.split()
    assert names[layer.attrs["output_layer"]] == output
    assert len(names) == len(layer.attrs["flag_values"])
    assert observe(tmp_path, "--chi", "3", "--hidden-only") == 0
    assert int(xr.open_dataset(tmp_path / "observables.nc")["n_weights"]) == hidden
    total = layer.size
    expected = (
        f"{hidden} weights of each network are measured, without the {total - hidden} of the output layer {output}"
    )
    assert expected in capsys.readouterr().err


def test_output_layer_that_is_declared(tmp_path, capsys):
    walked(two(), tmp_path / "run.nc", output_layer="0", sample=20)
    assert observe(tmp_path, "--chi", "3", "--hidden-only") == 0
    assert "of the output layer 0" in capsys.readouterr().err
    layer = snapshots.read(tmp_path / "run.nc")["layer"].values
    assert int(xr.open_dataset(tmp_path / "observables.nc")["n_weights"]) == (layer == 1).sum() < 20


@pytest.mark.parametrize("model", [nn.Linear(4, 2), ByHand()])
def test_model_without_hidden_layer_is_refused_in_one_line(tmp_path, capsys, model):
    walked(model, tmp_path / "run.nc")
    assert observe(tmp_path, "--chi", "3", "--hidden-only") == 2
    assert "all weights are in the output layer, model; none is left" in capsys.readouterr().err


def test_layers_of_a_recording_without_owners_are_the_modules(tmp_path):
    """As earlier versions recorded them."""
    from quench.store import unfinished

    walked(two(), tmp_path / "run.nc", updates=2)
    header = {"seeds": [0], "layers": [["0.weight", 2], ["0.bias", 1], ["2.weight", 3]], "dtype": "float32"}
    header |= {"n_weights": 6, "index": None, "config": {}}
    writer = unfinished.Writer(tmp_path / "old.nc.part", header)
    writer.append(0, np.array([0.5]), np.zeros((1, 6), np.float32))
    writer.close()
    layer = snapshots.read(tmp_path / "old.nc.part")["layer"]
    assert layer.values.tolist() == [0, 0, 0, 1, 1, 1] and layer.attrs["output_layer"] == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_overlap_length_below_the_spacing_of_the_weights_is_refused(tmp_path, capsys, dtype):
    """Weights from 1 to 2 have the spacing 2^-7, 2^-10 or 2^-23: the limit is a chi of sigma over twice that."""
    torch.manual_seed(0)
    model = nn.Linear(50, 50).to(dtype)
    with torch.no_grad():
        model.weight.uniform_(1.0, 2.0)
    walked(model, tmp_path / "run.nc")
    found = snapshots.read(tmp_path / "run.nc")
    assert found["weights"].attrs["dtype_of_weights"] == str(dtype).removeprefix("torch.")
    last = found["weights"].values[0, -1].astype(float)
    finest = last.std() / (torch.finfo(dtype).eps * np.abs(found["weights"].values).max())
    assert observe(tmp_path, "--chi", str(1.01 * finest)) == 2
    assert f"is below the resolution {last.std() / finest:.3g} of" in (printed := capsys.readouterr().err)
    assert str(dtype).removeprefix("torch.") in printed
    assert observe(tmp_path, "--chi", str(0.99 * finest)) == 0


@pytest.mark.parametrize("total", [1, 2, 7, 100, 1000])
def test_samples_are_sets_of_places(total):
    for sample in {1, total // 3 or 1, total // 2 or 1, total - 1 or 1, total}:
        places = drawn(sample, total)
        assert places.dtype == np.int64 and len(places) == sample
        assert (np.diff(places) > 0).all() and places[0] >= 0 and places[-1] < total
        assert np.array_equal(places, drawn(sample, total))


def test_samples_are_spread_over_all_places():
    """Of a thousand places, the number in each tenth of the range has a standard deviation below sqrt(90)."""
    counts = np.histogram(drawn(1000, 10**12), bins=10, range=(0, 10**12))[0]
    assert (np.abs(counts - 100) < 5 * np.sqrt(90)).all()
    with pytest.raises(QuenchError, match="from 1 to the 10 weights of the model, not 11"):
        drawn(11, 10)


def test_sample_does_not_touch_the_other_weights(tmp_path, monkeypatch):
    """The memory for a snapshot of a thousand of four million weights is that of the thousand."""
    import tracemalloc

    model = nn.Linear(2000, 2000, bias=False)
    recorder = quench.record(model, range(3), tmp_path / "run.nc", sample=1000)
    sizes = []
    original = torch.Tensor.take
    monkeypatch.setattr(torch.Tensor, "take", lambda self, at: sizes.append(at.numel()) or original(self, at))
    tracemalloc.start()
    recorder.step()
    recorder.step()
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert sizes == [1000, 1000]
