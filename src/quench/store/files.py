"""NetCDF files that are whole or absent: atomic writes, provenance on every file, one clear line for a bad one.

Files carry no clock time and no host name, so that the same inputs give the same bytes anywhere. Each ends with a
checksum of all of it (``quench.store.checksum``), which is looked at before anything else in it is believed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from quench import __version__
from quench.errors import QuenchError
from quench.runtime import signals
from quench.runtime.atomic import atomic
from quench.store import checksum, contracts
from quench.store.variables import config_of, described, layers, whole

__all__ = ["KINDS", "config_of", "described", "layers", "read", "versions", "whole", "write"]

KINDS = tuple(contracts.CONTRACTS)
_ROW = 10_000
_PACKAGES = ("numpy", "scipy", "torch", "numba", "xarray", "netCDF4")


def write(dataset: xr.Dataset, path: str | Path, *, kind: str, config: Mapping[str, Any], code: str) -> None:
    """Write ``dataset`` with its provenance to ``path``, atomically and with a checksum on every variable.

    ``kind`` is the contract that the file follows, ``config`` the resolved parameters of the step, ``code`` the
    fingerprint of the code that made it. The file is opened again and compared before it takes its name.
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
    with signals.held(), _told(path), atomic(path) as temporary:
        stamped.to_netcdf(temporary, engine="netcdf4", encoding=encoding)
        with xr.open_dataset(temporary, engine="netcdf4", decode_times=False) as written:
            if dict(written.sizes) != dict(stamped.sizes) or set(written.variables) != set(stamped.variables):
                raise QuenchError(f"{path}: what was written differs from what was meant; is the disk full?")
        checksum.seal(temporary)


@contextlib.contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """A disk that does not take the file at ``path`` is one line, whatever the libraries say."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise QuenchError(
            f"{path}: could not be written ({reason}); is the disk full, or the folder read-only?"
        ) from None


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    if variable.ndim == 0 or variable.dtype.kind not in "iufb" or variable.size == 0:
        return {}
    encoding: dict[str, Any] = {"fletcher32": True, "_FillValue": None}
    if variable.shape[-1] >= _ROW:
        # One configuration a chunk: written and read as it lies in memory.
        encoding["chunksizes"] = (*(1 for _ in variable.shape[:-1]), variable.shape[-1])
    # Random low bits do not compress; small integers and the short curves do.
    if variable.dtype.kind != "f" or variable.size < 1_000_000:
        encoding |= {"zlib": True, "complevel": 4, "shuffle": True}
    return encoding


def read(path: str | Path, kind: str | tuple[str, ...] | None = None) -> xr.Dataset:
    """The dataset at ``path``, loaded into memory and closed; ``kind`` is the contract, or one of those, that it follows.

    Raises ``QuenchError``, naming the file and what is wrong, when it is absent, damaged, changed since it was written,
    of another kind, or breaks its contract. A file without a ``kind`` (written by other software) has no checksum and
    passes for the first kind that is wanted, if it keeps that contract.
    """
    path = Path(path)
    try:
        sealed = checksum.check(path)
        with signals.held(), xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
            dataset = opened.load()
    except FileNotFoundError:
        raise QuenchError(f"{path}: no such file") from None
    except PermissionError:
        raise QuenchError(f"{path}: may not be read (permissions)") from None
    # Of a malformed file the libraries may say anything.
    except QuenchError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QuenchError(
            f"{path}: not a readable NetCDF-4 file ({reason}); if it was made here, delete it and run again"
        ) from None
    if not sealed and "code_fingerprint" in dataset.attrs:
        raise QuenchError(
            f"{path}: damaged, or changed since it was written (no checksum at its end); delete it and run again,"
            " or remove its attribute 'code_fingerprint' if the change is yours"
        )
    if not sealed:
        # Whatever other software means by it.
        dataset.attrs.pop("kind", None)
    found = dataset.attrs.get("kind")
    kinds = (kind,) if isinstance(kind, str) else kind
    if kinds and found and found not in kinds:
        raise QuenchError(f"{path}: holds {found!r}, but {' or '.join(kinds)} is wanted here")
    contract = found or (kinds[0] if kinds else None)
    if contract in contracts.CONTRACTS:
        contracts.check(dataset, contract, path)
    return dataset


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` as ``config_of`` gives it back: tuples become lists."""
    return json.loads(json.dumps(config))


@functools.cache
def versions() -> dict[str, str]:
    """Versions of the packages that the numbers come from."""
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
