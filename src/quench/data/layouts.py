"""CIFAR images in the layouts in which people have them, written as the official binary files.

The layouts: the binary files; the pickled batches of the Python version; and folders of PNG or JPEG files,
``train/<class>/<any name>.png`` and ``test/<class>/...``, with class names or numbers. Nothing in a pickle is executed.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from quench.data import download
from quench.data.sources import RawData, Source
from quench.errors import QuenchError
from quench.runtime.atomic import atomic

_SPLITS = ("train", "test")
_PICKLED = {
    "cifar10": {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]},
    "cifar100": {"train": ["train"], "test": ["test"]},
}
_PICTURES = (".png", ".jpg", ".jpeg")
# Binary records of CIFAR-100 begin with the number of a coarse class, which nothing here reads.
_LABEL_BYTES = {"cifar10": 1, "cifar100": 2}


def import_cifar(source: Source, folder: Path, root: str | Path | None = None) -> Path:
    """Write the images of ``source`` found in ``folder``, or below it, as official files below the data ``root``.

    Returns the folder of these files. Raises ``QuenchError`` for another source, where no layout is recognised, and for a
    wrong number of images.
    """
    if source.name not in _PICKLED:
        raise QuenchError(f"--from: for {' and '.join(_PICKLED)}, not for {source.name}")
    if not folder.is_dir():
        raise QuenchError(f"{folder}: no such folder")
    parts = _found(source, folder)
    for split, size in zip(_SPLITS, (source.train_size, source.test_size), strict=True):
        _check(parts[split], size, source, folder, split)
    target = download.data_root(root) / source.folder
    # Training files come first, and all files of a source are equally long.
    images, classes = (
        np.concatenate([getattr(parts[split], name) for split in _SPLITS]) for name in ("images", "classes")
    )
    n_training = len(source.files) - 1
    ends = [0, *(source.train_size * (i + 1) // n_training for i in range(n_training)), len(classes)]
    heads = np.zeros((len(classes), _LABEL_BYTES[source.name]), dtype=np.uint8)
    heads[:, -1] = classes
    for name, (first, last) in zip(source.files, itertools.pairwise(ends), strict=True):
        with atomic(target / name) as path:
            path.write_bytes(np.hstack([heads[first:last], images[first:last].reshape(last - first, -1)]).tobytes())
    return target


def _found(source: Source, folder: Path) -> dict[str, RawData]:
    """The images of the first layout that is recognised in ``folder`` or in a folder below it."""
    layouts: list[Callable[[Source, Path], dict[str, RawData] | None]] = [_binary, _pickled, _pictures]
    for place in [
        folder,
        *sorted(path for path in folder.rglob("*") if path.is_dir() and path.parent.name not in _SPLITS),
    ]:
        for layout in layouts:
            if (parts := layout(source, place)) is not None:
                return parts
    pickled = _PICKLED[source.name]
    raise QuenchError(
        f"{folder}: no images of {source.name}; known layouts: {source.files[0]} and the other binary files,"
        f" {pickled['train'][0]} and the other pickled files, or folders train/CLASS and test/CLASS of PNG files"
    )


def _binary(source: Source, folder: Path) -> dict[str, RawData] | None:
    if not all((folder / name).exists() or download.gzipped(folder / name).exists() for name in source.files):
        return None
    return {split: source.read(folder, split) for split in _SPLITS}


def _pickled(source: Source, folder: Path) -> dict[str, RawData] | None:
    names = _PICKLED[source.name]
    if not all((folder / name).is_file() for files in names.values() for name in files):
        return None
    return {split: _joined([_read_pickle(folder / name) for name in files]) for split, files in names.items()}


def _joined(parts: list[RawData]) -> RawData:
    return RawData(np.concatenate([one.images for one in parts]), np.concatenate([one.classes for one in parts]))


class _Array:
    """Stands in for a numpy array in a pickle: keeps its shape and bytes."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.kind, _, self.raw = state


class _Kind:
    """Stands in for a numpy type in a pickle: keeps its name."""

    name: object = ""

    def __setstate__(self, state: Any) -> None:
        """The byte order of single bytes means nothing."""


def _array(*_given: object) -> _Array:
    return _Array()


def _kind(name: object, *_given: object) -> _Kind:
    made = _Kind()
    made.name = name
    return made


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _kind,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
}


class _Unpickler(pickle.Unpickler):
    """Reads numbers, texts, lists, mappings and byte arrays; refuses everything that would call other code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch of CIFAR needs")
        return _KNOWN[module, name]


def _read_pickle(path: Path) -> RawData:
    """A batch of the Python version: ``data`` (sample, 3072) in planes, and ``labels`` or ``fine_labels``."""
    try:
        with path.open("rb") as stream:
            batch = _Unpickler(stream, encoding="latin1").load()
        batch = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        classes = np.array(batch["labels" if "labels" in batch else "fine_labels"], dtype=np.int64)
        raw = batch["data"].raw
        pixels = np.frombuffer(raw.encode("latin1") if isinstance(raw, str) else raw, np.uint8)
        return RawData(pixels.reshape(len(classes), 3, 32, 32), classes)
    except (pickle.UnpicklingError, AttributeError, EOFError, KeyError, IndexError, TypeError, ValueError) as error:
        raise QuenchError(f"{path}: not a batch of CIFAR in Python's format ({error})") from None


def _pictures(source: Source, folder: Path) -> dict[str, RawData] | None:
    if not all((folder / split).is_dir() for split in _SPLITS):
        return None
    return {split: _read_folders(source, folder / split) for split in _SPLITS}


def _read_folders(source: Source, folder: Path) -> RawData:
    """Pictures in one folder for each class: numbers, or names, whose alphabetical order is that of the classes."""
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    names.sort(key=lambda name: (int(name), "") if name.isdecimal() else (0, name))
    if len(names) != source.n_classes:
        raise QuenchError(f"{folder}: {len(names)} folders, but {source.name} has {source.n_classes} classes")
    found = [(path, number) for number, name in enumerate(names) for path in _picture_files(folder / name)]
    images = np.empty((len(found), *source.shape), dtype=np.uint8)
    for place, (path, _) in enumerate(found):
        images[place] = _read_picture(path)
    return RawData(images, np.array([number for _, number in found], dtype=np.int64))


def _picture_files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def _read_picture(path: Path) -> np.ndarray:
    """Pixels uint8 (3, 32, 32)."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError) as error:
        raise QuenchError(f"{path}: not a readable picture ({error})") from None
    if pixels.shape != (32, 32, 3):
        raise QuenchError(f"{path}: {pixels.shape[1]}x{pixels.shape[0]} pixels, not 32x32")
    return pixels.transpose(2, 0, 1)


def _check(part: RawData, size: int, source: Source, folder: Path, split: str) -> None:
    if len(part.classes) != size:
        raise QuenchError(f"{folder}: {len(part.classes):,} {split} images, but {source.name} has {size:,}")
    if part.classes.size and not 0 <= part.classes.min() <= part.classes.max() < source.n_classes:
        raise QuenchError(f"{folder}: {split} labels outside 0 to {source.n_classes - 1}")
