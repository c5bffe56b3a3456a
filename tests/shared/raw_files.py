"""Raw image files in the official formats of MNIST and CIFAR, with random content."""

import gzip

import numpy as np

from quench.data.sources import SOURCES

MNIST = SOURCES["mnist"].files


def idx(array):
    header = b"\0\0\x08" + bytes([array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_mnist(root, train=40, test=20, compress=False):
    """Random digits below ``root`` in the official layout; what was written, by file name."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    written = {}
    for name, size in zip(MNIST, (train, train, test, test), strict=True):
        written[name] = rng.integers(0, 10, size) if "labels" in name else rng.integers(0, 256, (size, 28, 28))
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(written[name])))
        else:
            (folder / name).write_bytes(idx(written[name]))
    return folder, written


def write_cifar(folder, files, records, n_classes, label_bytes):
    """Random colour images; (labels, pixels) of every file. Of two label bytes the fine class is the second."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(2)
    written = {}
    for name, count in zip(files, records, strict=True):
        labels = rng.integers(0, n_classes, count)
        pixels = rng.integers(0, 256, (count, 3, 32, 32))
        heads = np.stack([labels // 5, labels][-label_bytes:], axis=1)
        (folder / name).write_bytes(np.hstack([heads, pixels.reshape(count, -1)]).astype(np.uint8).tobytes())
        written[name] = labels, pixels
    return written
