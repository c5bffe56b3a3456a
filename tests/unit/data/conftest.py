"""What the tests of raw files share."""

import pytest

from quench.data import sources


@pytest.fixture
def small_cifar(monkeypatch):
    """CIFAR files of a thousandth of the official number of records, read by the same code."""
    read = sources._read_cifar

    def fewer(path, label_bytes, label_at, records):
        return read(path, label_bytes, label_at, records // 1000)

    monkeypatch.setattr(sources, "_read_cifar", fewer)
