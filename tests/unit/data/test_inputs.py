"""Inputs of networks: chosen images, standardisation, sizes."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.data.inputs import first_samples, interleaved, standardised


def pictures(n, channels, side, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, channels, side, side), dtype=np.uint8), rng.integers(0, 3, n)


@given(per_class=st.integers(1, 5), skip=st.integers(0, 3), seed=st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_interleaved_takes_the_same_number_of_each_class_in_turn(per_class, skip, seed):
    classes = np.random.default_rng(seed).permutation(np.repeat([0, 1, 2], 8))
    chosen = interleaved(classes, per_class, skip)
    assert (classes[chosen] == np.tile([0, 1, 2], per_class)).all()
    for label in range(3):
        expected = np.flatnonzero(classes == label)[skip : skip + per_class]
        assert (chosen[label::3] == expected).all()


def test_train_and_test_of_one_source_do_not_meet():
    classes = np.arange(50) % 10
    assert not np.intersect1d(interleaved(classes, 4), interleaved(classes, 1, skip=4)).size
    with pytest.raises(ValueError, match="has 5 samples"):
        interleaved(classes, 4, skip=2)


def test_first_samples_list_the_classes_in_turn():
    images, classes = pictures(30, 1, 4)
    data = xr.Dataset(
        {"train_images": (("train_sample", "c", "y", "x"), images), "train_classes": ("train_sample", classes)}
    )
    everything = first_samples(data, "train", None)
    assert np.array_equal(everything[0], images) and np.array_equal(everything[1], classes)
    some, labels = first_samples(data, "train", 8)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert np.array_equal(some, images[interleaved(classes, 3)[:8]])
    with pytest.raises(ValueError, match="train_samples: 31 is more than the 30 train images"):
        first_samples(data, "train", 31)


def test_channels_are_standardised_by_the_training_set():
    train, test = pictures(40, 3, 6), pictures(20, 3, 6, seed=1)
    made = standardised(train, test)
    # float32 sums of 1,440 values of size 1
    np.testing.assert_allclose(made.train_images.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(made.train_images.std(axis=(0, 2, 3)), 1, rtol=1e-5)
    by_hand = (test[0] / 255 - made.mean[:, None, None]) / made.std[:, None, None]
    np.testing.assert_allclose(made.test_images, by_hand, rtol=1e-5, atol=1e-6)
    assert made.train_images.dtype == np.float32
    assert made.test_classes.dtype == np.int64


def test_declared_standard_deviations_replace_those_of_the_images():
    images = pictures(10, 3, 4)
    plain, declared = standardised(images, images), standardised(images, images, channel_std=(0.5, 0.25, 0.125))
    ratio = plain.std / np.array([0.5, 0.25, 0.125])
    np.testing.assert_allclose(declared.train_images, plain.train_images * ratio[:, None, None], rtol=1e-5)
    with pytest.raises(ValueError, match="2 values for images of 3 channels"):
        standardised(images, images, channel_std=(0.5, 0.25))


def test_grey_images_are_padded_with_black_and_repeated():
    made = standardised(pictures(10, 1, 4), pictures(5, 1, 4), side=7, channels=3)
    assert made.train_images.shape == (10, 3, 7, 7)
    assert (made.train_images[:, 0] == made.train_images[:, 2]).all()
    black = (0 - made.mean[0]) / made.std[0]
    np.testing.assert_allclose(made.train_images[:, :, 0], black, rtol=1e-6)
    plain = standardised(pictures(10, 1, 4), pictures(5, 1, 4))
    np.testing.assert_array_equal(made.train_images[:, :1, 1:5, 1:5], plain.train_images)
    np.testing.assert_array_equal(made.mean, plain.mean)  # padding does not enter the statistics


def test_pooling_averages_blocks():
    plain, pooled = (standardised(pictures(10, 3, 6), pictures(5, 3, 6), pool=pool) for pool in (1, 3))
    by_hand = plain.test_images[:, :, 3:6, 0:3].mean(axis=(2, 3))
    np.testing.assert_allclose(pooled.test_images[:, :, 1, 0], by_hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "options", "message"),
    [
        (1, {"side": 3}, "cannot be padded to 3x3"),
        (3, {"channels": 1}, "only grey"),
        (1, {"pool": 4}, "4x4 blocks"),
    ],
)
def test_impossible_sizes_are_refused(channels, options, message):
    with pytest.raises(ValueError, match=message):
        standardised(pictures(10, channels, 6), pictures(5, channels, 6), **options)


def test_constant_channels_are_refused():
    images, classes = pictures(10, 1, 4)
    with pytest.raises(ValueError, match="constant"):
        standardised((np.full_like(images, 7), classes), (images, classes))
