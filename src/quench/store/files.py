"""NetCDF files that are complete or absent: atomic writes, provenance in every file, one clear line for a bad file.

Files contain no clock time and no host name, so the same inputs give the same bytes anywhere. Each ends with a checksum
(``quench.store.checksum``), which is checked before anything else in the file is trusted.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from quench import __version__
from quench.errors import QuenchError
from quench.runtime import signals
from quench.runtime.atomic import atomic
from quench.store import checksum, contracts, foreign
from quench.store.variables import concat_chunks, config_of, described, layers

__all__ = ["KINDS", "concat_chunks", "config_of", "described", "layers", "plain", "read", "versions", "write"]

KINDS = tuple(contracts.CONTRACTS)
# Start of an unfinished recording, which is no NetCDF file.
RECORDING = b"quench recording "
_ROW = 10_000
_PACKAGES = ("numpy", "scipy", "torch", "numba", "xarray", "netCDF4")


def write(dataset: xr.Dataset, path: str | Path, *, kind: str, config: Mapping[str, Any], code: str) -> None:
    """Write ``dataset`` with its provenance to ``path``, atomically and with a checksum on every variable.

    ``kind`` is the contract that the file follows, ``config`` the resolved parameters of the step, ``code`` the
    fingerprint of the code that computed it. The file is opened again and compared before it takes its name.
    Raises ``QuenchError`` where it cannot be written.
    """
    assert kind in KINDS, kind
    stamped = dataset.assign_attrs(
        Conventions="CF-1.11",
        kind=kind,
        config=json.dumps(config, sort_keys=True),
        code_fingerprint=code,
        package_versions=json.dumps(versions(), sort_keys=True),
        git_commit=_git_commit(),
        created_by=f"quench {__version__}",
    )
    encoding = {name: _encoding(variable) for name, variable in stamped.variables.items()}
    with signals.defer_interrupt(), _write_errors(path), atomic(path) as temporary:
        stamped.to_netcdf(temporary, engine="netcdf4", encoding=encoding)
        with xr.open_dataset(temporary, engine="netcdf4", decode_times=False) as written:
            if dict(written.sizes) != dict(stamped.sizes) or set(written.variables) != set(stamped.variables):
                raise QuenchError(f"{path}: the written file differs from the data; is the disk full?")
        checksum.seal(temporary)


@contextlib.contextmanager
def _write_errors(path: str | Path) -> Iterator[None]:
    """Turn the errors of a disk that does not take the file at ``path`` into one line."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise QuenchError(f"{path}: cannot be written ({reason}); is the disk full, or the folder read-only?") from None


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    if variable.ndim == 0 or variable.dtype.kind not in "iufb" or variable.size == 0:
        return {}
    encoding: dict[str, Any] = {"fletcher32": True, "_FillValue": None}
    if variable.shape[-1] >= _ROW:
        # One configuration per chunk: written and read as it lies in memory.
        encoding["chunksizes"] = (*(1 for _ in variable.shape[:-1]), variable.shape[-1])
    # Random low bits do not compress; small integers and short curves do.
    if variable.dtype.kind != "f" or variable.size < 1_000_000:
        encoding |= {"zlib": True, "complevel": 4, "shuffle": True}
    return encoding


def read(path: str | Path, kind: str | tuple[str, ...] | None = None) -> xr.Dataset:
    """The dataset at ``path``, loaded into memory and closed; ``kind`` is the contract that it follows, or several.

    Raises ``QuenchError``, naming the file and what is wrong, when it is absent, damaged, changed since it was written,
    of another kind, or breaks its contract. A file without ``code_fingerprint`` (written by other software) needs no
    checksum; it is checked against the first of the kinds. Of such snapshots, only complete records are read, and only
    the variables of ``contracts.SNAPSHOTS``.
    """
    kinds = (kind,) if isinstance(kind, str) else kind or ()
    dataset, sealed = _load(Path(os.path.expanduser(path)), kinds)
    if not sealed and "code_fingerprint" in dataset.attrs:
        raise QuenchError(
            f"{path}: damaged, or changed since it was written (no checksum at its end); delete it and run again,"
            " or remove its attribute 'code_fingerprint' if the change is yours"
        )
    if not sealed and not foreign.ours(dataset.attrs):
        # Other software may mean something else by it.
        dataset.attrs.pop("kind", None)
    found = dataset.attrs.get("kind")
    if kinds and found and found not in kinds:
        raise QuenchError(f"{path}: holds {found!r}, not {' or '.join(kinds)}")
    contract = found or next(iter(kinds), None)
    if contract in contracts.CONTRACTS:
        contracts.check(dataset, contract, path)
    return dataset


def _load(path: Path, kinds: tuple[str, ...]) -> tuple[xr.Dataset, bool]:
    """The dataset at ``path``, and whether the file has a checksum; ``QuenchError`` where it cannot be read."""
    try:
        sealed = checksum.check(path)
        with signals.defer_interrupt():
            if not sealed and kinds[:1] == ("snapshots",):
                return foreign.load(path, contracts.SNAPSHOTS, "time", ("time", "weights")), sealed
            with xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
                return opened.load(), sealed
    except FileNotFoundError:
        raise QuenchError(f"{path}: no such file") from None
    except PermissionError:
        raise QuenchError(f"{path}: cannot be read (permissions)") from None
    except QuenchError:
        raise
    # The libraries raise errors of any type for a malformed file.
    except Exception as error:
        if _is_recording(path):
            raise QuenchError(
                f"{path}: an unfinished recording; keep it: quench observe measures its snapshots so far"
            ) from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QuenchError(
            f"{path}: not a readable NetCDF-4 file ({reason}); if quench wrote it, delete it and run again"
        ) from None


def _is_recording(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(RECORDING)) == RECORDING
    except OSError:
        return False


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` as ``config_of`` returns it: tuples become lists."""
    values: dict[str, Any] = json.loads(json.dumps(config))
    return values


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the packages that compute the numbers."""
    found = {}
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


@functools.cache
def _git_commit() -> str:
    """Commit of the source tree, or ``unknown`` outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
