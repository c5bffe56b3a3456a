"""What the tests of raw files share."""

import dataclasses

import pytest

from quench.data import sources


@pytest.fixture
def small_cifar(monkeypatch):
    """CIFAR files of a thousandth of the official number of records, read by the same code."""
    read = sources._read_cifar

    def fewer(path, label_bytes, label_at, records):
        return read(path, label_bytes, label_at, records // 1000)

    monkeypatch.setattr(sources, "_read_cifar", fewer)
    for name in ("cifar10", "cifar100"):
        resize(name, 50, 10, monkeypatch)


@pytest.fixture
def small_mnist(monkeypatch):
    """MNIST files with the numbers of images that ``raw_files.write_mnist`` writes."""
    resize("mnist", 40, 20, monkeypatch)


def resize(name, train, test, monkeypatch):
    known = sources.SOURCES[name]
    monkeypatch.setitem(sources.SOURCES, name, dataclasses.replace(known, train_size=train, test_size=test))
