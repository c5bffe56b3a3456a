"""The user's own dataset: a .npz or NetCDF file with ``x`` (sample, ...), ``y`` (sample) and optional test data."""

from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quench.errors import QuenchError
from quench.runtime import signals

SUFFIXES = (".npz", ".nc")


@dataclass(frozen=True)
class Samples:
    """``x`` float64 (sample, feature) and the target ``y`` (sample) of every sample."""

    x: np.ndarray
    y: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Class indices, int64 (sample).

        Whole numbers from 0 on are their own classes; +1 is class 0 and -1 class 1, so that parity gives the sign back.
        For any other ``y`` all samples are in class 0.
        """
        if _are_signs(self.y):
            return (self.y < 0).astype(np.int64)
        return self.y.astype(np.int64) if are_classes(self.y) else np.zeros(len(self.y), np.int64)


def are_classes(y: np.ndarray) -> bool:
    """Whether ``y`` are class indices (whole numbers from 0 on) or signs."""
    return _are_signs(y) or bool((y >= 0).all() and np.array_equal(y, np.round(y)))


def _are_signs(y: np.ndarray) -> bool:
    return bool(np.isin(y, (-1, 1)).all())


def is_own(source: str) -> bool:
    """Whether a source is the user's own file rather than the name of a known dataset."""
    return source.endswith(SUFFIXES)


def read(path: str | Path, split: str = "train") -> Samples | None:
    """Training data (``x``, ``y``) or test data (``x_test``, ``y_test``; None where the file has none).

    Raises ``QuenchError`` for a file that cannot be read and for data that cannot be trained on.
    """
    names = ("x", "y") if split == "train" else ("x_test", "y_test")
    arrays = _arrays(Path(path), _stamp(Path(path)))
    if split == "test" and not set(names) & arrays.keys():
        return None
    for name in names:
        if name not in arrays:
            raise QuenchError(
                f"{path}: no array {name!r}, only {', '.join(arrays) or 'nothing'}; {' and '.join(names)} are needed"
            )
    x, y = (arrays[name] for name in names)
    if x.ndim < 2 or y.shape != x.shape[:1] or not len(x):
        raise QuenchError(f"{path}: {names[0]} must be (sample, ...) and {names[1]} (sample), not {x.shape}, {y.shape}")
    if x.dtype.kind not in "biuf" or y.dtype.kind not in "biuf" or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise QuenchError(f"{path}: {names[0]} and {names[1]} must be finite numbers")
    return Samples(x.reshape(len(x), -1).astype(np.float64), y.astype(np.float64))


def _stamp(path: Path) -> tuple[int, int]:
    """Modification time and size, which change with the content of the file."""
    try:
        return path.stat().st_mtime_ns, path.stat().st_size
    except OSError:
        raise QuenchError(f"{path}: no such file") from None


@functools.lru_cache(maxsize=1)
def _arrays(path: Path, _stamp: tuple[int, int]) -> dict[str, np.ndarray]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as opened:
                return {name: opened[name] for name in opened.files}
        # Slow to import, and a configuration is checked without it.
        import xarray as xr

        with signals.defer_interrupt(), xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
            return {str(name): variable.values for name, variable in opened.variables.items()}
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise QuenchError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
