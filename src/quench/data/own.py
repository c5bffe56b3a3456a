"""The user's own dataset: a .npz or NetCDF file with ``x`` (sample, ...), ``y`` (sample) and optional test data."""

from __future__ import annotations

import functools
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quench.errors import QuenchError
from quench.runtime import signals

SUFFIXES = (".npz", ".nc")
_NAMES = {"train": ("x", "y"), "test": ("x_test", "y_test")}
# Whole numbers up to here are exact in float64.
_LARGEST_CLASS = 2**53


@dataclass(frozen=True)
class Samples:
    """``x`` float64 (sample, feature) and the target ``y`` (sample) of every sample.

    ``coding``: of the training and test targets together ("signs", "classes" or "numbers").
    """

    x: np.ndarray
    y: np.ndarray
    coding: str

    @property
    def classes(self) -> np.ndarray:
        """Class indices, int64 (sample).

        Whole numbers from 0 on are their own classes; +1 is class 0 and -1 class 1, so that parity gives the sign back.
        For any other ``y`` all samples are in class 0.
        """
        if self.coding == "signs":
            return (self.y < 0).astype(np.int64)
        return self.y.astype(np.int64) if self.coding == "classes" else np.zeros(len(self.y), np.int64)


def coding(y: np.ndarray) -> str:
    """Return "signs" for -1 and +1, "classes" for whole numbers from 0 on, else "numbers"."""
    if np.isin(y, (-1, 1)).all():
        return "signs"
    return "classes" if ((y >= 0) & (y <= _LARGEST_CLASS) & (y == np.round(y))).all() else "numbers"


def is_own(source: str) -> bool:
    """Whether a source is the user's own file rather than the name of a known dataset."""
    return source.endswith(SUFFIXES)


def read(path: str | Path, split: str = "train") -> Samples | None:
    """Training data (``x``, ``y``) or test data (``x_test``, ``y_test``; None where the file has none).

    Raises ``QuenchError`` for a file that cannot be read, for data that cannot be trained on, and for test samples of
    another shape than the training samples.
    """
    arrays, found = _arrays(Path(path), _stamp(Path(path)))
    parts = {
        part: _checked(path, names, arrays, found)
        for part, names in _NAMES.items()
        if part == "train" or set(names) & arrays.keys()
    }
    (x, y), (x_test, y_test) = parts["train"], parts.get("test", parts["train"])
    if x_test.shape[1:] != x.shape[1:]:
        raise QuenchError(f"{path}: samples of x have the shape {x.shape[1:]}, those of x_test {x_test.shape[1:]}")
    if split not in parts:
        return None
    samples, targets = parts[split]
    # Decided for both together: a test set of one class does not tell its coding.
    return Samples(samples.reshape(len(samples), -1).astype(np.float64), targets, coding(np.concatenate([y, y_test])))


def _checked(
    path: str | Path, names: tuple[str, str], arrays: Mapping[str, np.ndarray], found: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The samples and targets (float64) of these ``names``; ``QuenchError`` where they cannot be trained on."""
    for name in names:
        if name not in arrays:
            raise QuenchError(
                f"{path}: no array {name!r}, only {', '.join(found) or 'nothing'}; {' and '.join(names)} are needed"
            )
    x, y = (arrays[name] for name in names)
    if x.ndim < 2 or y.shape != x.shape[:1] or not x.size:
        raise QuenchError(f"{path}: {names[0]} must be (sample, ...) and {names[1]} (sample), not {x.shape}, {y.shape}")
    if x.dtype.kind not in "biuf" or y.dtype.kind not in "biuf" or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise QuenchError(f"{path}: {names[0]} and {names[1]} must be finite numbers")
    return x, y.astype(np.float64)


def _stamp(path: Path) -> tuple[int, int]:
    """Modification time and size, which change with the content of the file."""
    try:
        status = path.stat()
    except OSError:
        raise QuenchError(f"{path}: no such file") from None
    if not stat.S_ISREG(status.st_mode):
        raise QuenchError(f"{path}: cannot be read (not a plain file)")
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=1)
def _arrays(path: Path, _stamp: tuple[int, int]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The known arrays in the file, and the names of all."""
    known = [name for names in _NAMES.values() for name in names]
    try:
        if path.suffix == ".npz":
            with open(path, "rb") as file:
                if not zipfile.is_zipfile(file):
                    raise ValueError("not an archive of arrays, as numpy.savez writes it")
                with np.load(file, allow_pickle=False) as opened:
                    return {name: opened[name] for name in known if name in opened.files}, list(opened.files)
        # Slow to import, and a configuration is checked without it.
        import xarray as xr

        with signals.defer_interrupt(), xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
            present = {name: opened[name].variable.load() for name in known if name in opened.variables}
            return _by_dimension(present), list(map(str, opened.variables))
    # The libraries raise errors of any type for a damaged file.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QuenchError(f"{path}: cannot be read ({reason})") from None


def _by_dimension(variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Values of NetCDF variables, samples first: the dimension of y is that of the samples, the others those of x."""
    ordered = dict(variables)
    for names in _NAMES.values():
        if set(names) <= variables.keys():
            x, y = (variables[name] for name in names)
            ordered[names[0]] = x.transpose(*[dim for dim in y.dims if dim in x.dims], ...)
    if {"x", "x_test"} <= ordered.keys():
        features = ordered["x"].dims[1:]
        if set(features) == set(ordered["x_test"].dims[1:]):
            ordered["x_test"] = ordered["x_test"].transpose(ordered["x_test"].dims[0], *features)
    return {name: variable.values for name, variable in ordered.items()}
