"""Prepared datasets against their definition: statistics of the training images alone, ordered orthonormal axes, labels."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.data import download, sources
from quench.data.prepare import label, prepare, principal_axes
from quench.data.sources import HELD_OUT_PER_CLASS, RawData
from quench.errors import QuenchError


@pytest.fixture
def synthetic(monkeypatch):
    """A source ``mnist`` of 120 training and 30 test images, 12 and 3 of each class in mixed order."""
    rng = np.random.default_rng(7)
    basis = rng.normal(size=(12, 36))

    def images(count):
        classes = rng.permutation(np.repeat(np.arange(10), count // 10))
        pixels = 128 + 30 * rng.normal(size=(count, 12)) @ basis / 3 + 5 * classes[:, None]
        pixels[:, 0] = 9  # a pixel that never changes
        return RawData(np.clip(pixels, 0, 255).astype(np.uint8).reshape(count, 1, 6, 6), classes.astype(np.int64))

    parts = {"train": images(120), "test": images(30)}
    parts["test"].images[0, 0, 0, 0] = 200  # ... in training
    source = sources.Source("mnist", (1, 6, 6), 10, 120, 30, lambda folder, split: parts[split])
    monkeypatch.setitem(sources.SOURCES, "mnist", source)
    return parts


def test_scores_follow_from_the_training_statistics(synthetic):
    data = prepare("mnist", components=5)
    pixels = synthetic["train"].images.reshape(120, -1).astype(float)
    scale = np.where(pixels.std(axis=0) > 0, pixels.std(axis=0), 1)
    centred = (pixels - pixels.mean(axis=0)) / scale
    np.testing.assert_allclose(data.x, centred @ data.principal_axes.values.T, rtol=1e-5, atol=1e-5)
    # Test images under the training set's mean, scale and axes, although a constant pixel differs there.
    test = (synthetic["test"].images.reshape(30, -1) - pixels.mean(axis=0)) / scale
    np.testing.assert_allclose(data.x_test, test @ data.principal_axes.values.T, rtol=1e-5, atol=1e-4)
    assert np.isfinite(data.x_test).all()
    assert data.x.dtype == np.float32 and data.y.dtype == np.int8


def test_scores_carry_the_explained_variance(synthetic):
    data = prepare("mnist", components=6)
    np.testing.assert_allclose(data.x.values.var(axis=0), data.explained_variance, rtol=1e-5)
    np.testing.assert_allclose(data.x.values.mean(axis=0), 0, atol=1e-5)
    assert (np.diff(data.explained_variance) <= 0).all()
    # 35 of 36 standardised pixels have unit variance: the total is 35.
    np.testing.assert_allclose(data.explained_variance / data.explained_variance_ratio, 35, rtol=1e-10)
    axes = data.principal_axes.values
    np.testing.assert_allclose(axes @ axes.T, np.eye(6), atol=1e-12)
    whitened = prepare("mnist", components=6, whiten=True)
    np.testing.assert_allclose(whitened.x.values.std(axis=0), 1, rtol=1e-5)


def test_without_standardisation_pixels_are_only_centred(synthetic):
    data = prepare("mnist", components=3, standardise="none")
    assert (data.pixel_scale == 1).all()
    pixels = synthetic["train"].images.reshape(120, -1).astype(float)
    assert float(data.explained_variance[0]) == pytest.approx(
        np.linalg.eigvalsh(np.cov(pixels.T, bias=True))[-1], rel=1e-10
    )


def test_subset_is_the_first_of_each_class_in_order(synthetic):
    data = prepare("mnist", subset=40, components=3)
    classes = synthetic["train"].classes
    expected = np.sort(np.concatenate([np.flatnonzero(classes == c)[:4] for c in range(10)]))
    assert np.array_equal(data.source_index, expected)
    assert np.array_equal(data.class_index, classes[expected])
    # A subset of everything is everything.
    assert prepare("mnist", subset=120, components=3).identical(prepare("mnist", components=3))


def test_repeated_preparation_has_the_same_bits(synthetic):
    assert prepare("mnist", subset=60, components=4).identical(prepare("mnist", subset=60, components=4))


def test_labels_by_both_rules(synthetic):
    classes = synthetic["train"].classes
    parity = prepare("mnist", components=2)
    assert np.array_equal(parity.y, 1 - 2 * (classes % 2))
    assert np.array_equal(parity.y_test, 1 - 2 * (synthetic["test"].classes % 2))
    assert np.array_equal(prepare("mnist", components=2, labels="classes").y, classes)


def test_hundred_classes_fit_their_labels():
    assert np.array_equal(label(np.arange(100), "classes"), np.arange(100))
    assert set(label(np.arange(100), "parity")) == {-1, 1}
    assert label(np.array([0, 1, 98, 99]), "parity").tolist() == [1, -1, 1, -1]


@pytest.mark.parametrize(
    "choices, message",
    [
        ({"subset": 130}, "more than the 120 training images"),
        ({"subset": 45}, "multiple of the 10 classes"),
        ({"subset": 5}, "multiple of the 10 classes"),
        ({"components": 37}, "more than 36, the smaller"),
        ({"subset": 20, "components": 21}, "more than 20, the smaller"),
    ],
)
def test_impossible_choices_are_refused(synthetic, choices, message):
    with pytest.raises(QuenchError, match=message):
        prepare("mnist", **choices)


def test_class_with_too_few_images_is_named(synthetic):
    synthetic["train"].classes[synthetic["train"].classes == 3] = 4
    with pytest.raises(QuenchError, match=r"needs 4 images of each class, mnist has 0 of 3"):
        prepare("mnist", subset=40, components=2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(3, 30))
def test_principal_axes_do_not_depend_on_any_sign(seed, pixels, samples):
    centred = np.random.default_rng(seed).normal(size=(samples, pixels)) * np.geomspace(1, 3, pixels)
    count = min(pixels, samples) - 1
    axes, variance, total = principal_axes(centred, count)
    assert (axes[np.arange(count), np.abs(axes).argmax(axis=1)] > 0).all()
    # The covariance is unchanged by a reflection of all samples, and so must be its axes.
    mirrored, again, _ = principal_axes(-centred, count)
    assert np.array_equal(axes, mirrored) and np.array_equal(variance, again)
    assert total == pytest.approx(np.square(centred).sum() / samples, rel=1e-12)
    np.testing.assert_allclose(np.square(centred @ axes.T).mean(axis=0), variance, rtol=1e-9, atol=1e-12)


def test_embedded_images_leave_test_images_out():
    data = prepare("mnist5k", subset=2000)
    assert data.sizes["sample"] == 2000 and data.sizes["test_sample"] == 10 * HELD_OUT_PER_CLASS
    assert np.array_equal(np.bincount(data.class_index), [200] * 10)
    # Standardised pixels of real digits: unscaled scores of size |x| ~ 14, a third of the variance in 10 components.
    assert 10 < np.linalg.norm(data.x, axis=1).mean() < 18
    assert 0.25 < float(data.explained_variance_ratio.sum()) < 0.5


@pytest.mark.data
@pytest.mark.parametrize("source, width", [("mnist", 784), ("cifar10", 3072)])
def test_official_files(source, width):
    root = os.environ.get("QUENCH_DATA")
    if not root or download.missing_files(sources.find(source), root):
        pytest.skip(f"the {source} files are not under QUENCH_DATA")
    data = prepare(source, subset=1000, root=root)
    assert data.sizes == {
        "sample": 1000, "component": 10, "test_sample": 10_000, "pixel": width,
    }  # fmt: skip
    assert np.array_equal(np.bincount(data.class_index), [100] * 10)
    # Evaluated far outside the training set, a wrong test transform would show as a shifted or blown-up cloud.
    assert data.x_test.std() == pytest.approx(float(data.x.std()), rel=0.1)
