"""Training and test images of a source: every image once, and none in both."""

import numpy as np
import pytest

from quench.data import sources
from quench.data.images import split_images
from quench.data.sources import HELD_OUT_PER_CLASS, RawData
from quench.errors import QuenchError
from quench.store import contracts


def source_of(classes, test_size, monkeypatch):
    """A source ``mnist`` whose image number i has all pixels i."""
    numbers = np.arange(len(classes), dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (len(classes), 1, 2, 3)).copy()
    parts = {"train": RawData(images, classes), "test": RawData(images[::-1], classes[::-1])}
    source = sources.Source("mnist", (1, 2, 3), 2, len(classes), test_size, lambda folder, split: parts[split])
    monkeypatch.setitem(sources.SOURCES, "mnist", source)


def test_a_source_with_test_images_keeps_its_order(monkeypatch):
    classes = np.random.default_rng(0).integers(0, 2, 12)
    source_of(classes, 12, monkeypatch)
    images = split_images("mnist")
    assert images["train_images"].values[:, 0, 1, 2].tolist() == list(range(12))
    assert images["test_images"].values[:, 0, 0, 0].tolist() == list(range(12))[::-1]
    assert np.array_equal(images["train_classes"], classes) and np.array_equal(images["test_classes"], classes[::-1])
    contracts.check(images, "images", "images of a test")


def test_without_test_images_the_last_of_each_class_are_set_aside(monkeypatch):
    classes = np.random.default_rng(1).permutation(np.repeat([0, 1], HELD_OUT_PER_CLASS + 3))
    source_of(classes, 0, monkeypatch)
    images = split_images("mnist")
    assert images["train_classes"].values.tolist() == [0, 1] * 3
    assert images["test_classes"].values.tolist() == [0, 1] * HELD_OUT_PER_CLASS
    for label in (0, 1):
        members = np.flatnonzero(classes == label)
        train, test = (
            images[f"{part}_images"].values[images[f"{part}_classes"] == label, 0, 0, 0] for part in ("train", "test")
        )
        assert train.tolist() == members[:3].tolist() and test.tolist() == members[3:].tolist()


def test_files_of_ones_own_are_refused(tmp_path):
    with pytest.raises(QuenchError, match=r"mine\.npz: classifiers learn images of mnist5k"):
        split_images(str(tmp_path / "mine.npz"))
