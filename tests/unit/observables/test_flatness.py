"""Spectra and straight lines of trained classifiers, against the functions that measure one of each."""

import numpy as np
import pytest
import torch
import xarray as xr
from tiny_classifier import task

from quench.errors import QuenchError
from quench.observables import hessian
from quench.observables.classifier_training import trajectory
from quench.observables.flatness import LINE_POINTS, THRESHOLDS, SpectrumChoices, flatness
from quench.store import contracts
from quench.store.variables import concat_chunks


@pytest.fixture(scope="module")
def training():
    return concat_chunks([trajectory(task(), seed).follow() for seed in (0, 1)], "network")


def test_spectra_are_those_of_the_kept_weights(training):
    found = flatness(task(), training, [0, 200], SpectrumChoices(samples=40))
    contracts.check(found, "flatness", "flatness of a test")
    network = task().network(0)
    x, y = task().train(network)
    network.weights.copy_(torch.from_numpy(training["weights"].values[1, 2]))
    spectrum = hessian.full_spectrum(network, x[:40], y[:40])
    np.testing.assert_array_equal(found["nodes"].values[1, 1], spectrum.nodes)
    assert found["edges"].values[1, 1].tolist() == [spectrum.smallest, spectrum.largest]
    for place, threshold in enumerate(THRESHOLDS):
        assert found["flat"].values[1, 1, place, 0] == spectrum.flat(threshold).value
        assert found["negative"].values[1, 1, place, 0] == spectrum.negative(threshold).value


def test_lines_join_times_of_a_network_and_the_ends_of_two(training):
    lines = flatness(task(), training, [0, 100, 200], SpectrumChoices())
    ends = [[[0, 0], [0, 100]], [[0, 100], [0, 200]], [[1, 0], [1, 100]], [[1, 100], [1, 200]], [[0, 200], [1, 200]]]
    assert lines["line_ends"].values.tolist() == ends
    losses = lines["line_loss"].values
    assert losses.shape == (5, LINE_POINTS)
    # Losses at the ends are those of the training, to float32, where it was measured.
    for loss, (network, time) in zip(losses[:, [0, -1]].ravel(), np.reshape(ends, (-1, 2)), strict=True):
        if time in training["time"].values:
            assert loss == pytest.approx(float(training["train_loss"][network].sel(time=time)), rel=1e-5)


def test_a_stochastic_spectrum_has_bounds(training):
    choices = SpectrumChoices(method="stochastic", probes=3, lanczos_steps=8, samples=40)
    found = flatness(task(), training, [200], choices)
    assert (found["flat"].isel(bound=1) <= found["flat"].isel(bound=2)).all()
    np.testing.assert_allclose(found["node_weights"].sum("node"), 1, rtol=1e-10)


@pytest.mark.parametrize("method", ["full", "stochastic"])
def test_a_diverged_network_has_no_spectrum(training, method):
    diverged = training.copy(deep=True)
    diverged["weights"][0, 2] = np.nan
    found = flatness(task(), diverged, [200], SpectrumChoices(method=method, probes=2, lanczos_steps=5))
    for name in ("edges", "flat", "negative", "nodes"):
        assert np.isnan(found[name][0]).all() and np.isfinite(found[name][1]).all()


def test_every_spectrum_is_reported(training):
    lines = []
    flatness(task(), training, [200], SpectrumChoices(), lines.append)
    assert lines == ["spectrum of seed 0 at t = 200", "spectrum of seed 1 at t = 200"]


def test_mistakes_are_refused_before_any_work(training):
    with pytest.raises(QuenchError, match="t = 50 were not kept"):
        flatness(task(), training, [50], SpectrumChoices())
    with pytest.raises(QuenchError, match="samples: 61 is more than the 60"):
        flatness(task(), training, [200], SpectrumChoices(samples=61))
    normalised = task(model="D", widths=(2,), image_side=8)
    empty = xr.Dataset({"weights": (("network", "kept_time", "weight"), np.zeros((1, 1, 1)))}, {"kept_time": [0]})
    with pytest.raises(QuenchError, match="running statistics"):
        flatness(normalised, empty, [0], SpectrumChoices())
    with pytest.raises(ValueError, match="no method 'all'"):
        SpectrumChoices(method="all")
