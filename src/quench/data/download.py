"""Raw files of a source: their folder, and their download with checksums where they are missing."""

from __future__ import annotations

import os
import socket
import tarfile
import time
import urllib.parse
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from quench.errors import QuenchError
from quench.runtime.atomic import atomic

ATTEMPTS = 4


@dataclass(frozen=True)
class RawFiles:
    """The ``files`` of the source ``name``, in ``folder`` below the data root.

    ``downloads``: (address, md5) of one archive, or of each file.
    """

    name: str
    folder: str = field(default="", kw_only=True)
    files: tuple[str, ...] = field(default=(), kw_only=True)
    downloads: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)


def data_root(root: str | Path | None = None) -> Path:
    """The folder of raw files: ``root`` if given, else the environment's QUENCH_DATA, else ``./data``."""
    return Path(root or os.environ.get("QUENCH_DATA") or "data").expanduser()


def gzipped(path: Path) -> Path:
    """The compressed file that may stand in for the raw file at ``path``."""
    return path.with_name(path.name + ".gz")


def missing_files(source: RawFiles, root: str | Path | None = None) -> list[Path]:
    """Files of ``source`` that are not below the data root, neither plain nor gzipped."""
    expected = [data_root(root) / source.folder / file for file in source.files]
    return [path for path in expected if not path.exists() and not gzipped(path).exists()]


def check_available(source: RawFiles, root: str | Path | None = None) -> None:
    """Raise ``QuenchError``, naming the missing file and its folder, if ``source`` is neither here nor downloadable."""
    missing = missing_files(source, root)
    if not missing or all(_target(source, address, root).exists() for address, _ in source.downloads):
        return
    if not _reachable(source.downloads[0][0]):
        raise _offline(source, missing[0])


def fetch_missing(source: RawFiles, root: str | Path | None = None) -> None:
    """Download and unpack ``source`` where files of it are missing.

    Raises ``QuenchError`` without a network, for a damaged archive, and for an archive without the files.
    """
    if not missing_files(source, root):
        return
    for address, md5 in source.downloads:
        target = _target(source, address, root)
        if not target.exists():
            try:
                _download(address, md5, target)
            except OSError:
                raise _offline(source, missing_files(source, root)[0]) from None
        if target.name.endswith(".tar.gz"):
            _unpack(target)
    still_missing = missing_files(source, root)
    if still_missing:
        raise QuenchError(f"{still_missing[0]}: not among the files downloaded for {source.name!r}")


def _offline(source: RawFiles, path: Path) -> QuenchError:
    return QuenchError(
        f"dataset {source.name!r} is missing and cannot be downloaded: put {path.name} into {path.parent}"
        " (or point QUENCH_DATA or the config's data_root at a folder that holds it)"
    )


def _reachable(address: str) -> bool:
    try:
        socket.create_connection((urllib.parse.urlsplit(address).hostname, 443), timeout=3).close()
    except OSError:
        return False
    return True


def _target(source: RawFiles, address: str, root: str | Path | None) -> Path:
    """The path of a download: archives lie at the data root, single files in the folder of the source."""
    file = Path(urllib.parse.urlsplit(address).path).name
    return data_root(root) / ("" if file.endswith(".tar.gz") else source.folder) / file


def _download(address: str, md5: str, path: Path) -> None:
    """Download with retries; the file takes its name only after its checksum has been verified."""
    from torchvision.datasets.utils import download_url

    for attempt in range(ATTEMPTS):
        try:
            with atomic(path) as temporary:
                download_url(address, str(temporary.parent), temporary.name, md5)
            return
        except (OSError, RuntimeError) as error:
            if attempt == ATTEMPTS - 1 or not _reachable(address):
                raise OSError(f"{address}: {error}") from None
            time.sleep(2.0**attempt)


def _unpack(archive: Path) -> None:
    try:
        with tarfile.open(archive) as opened:
            opened.extractall(archive.parent, filter="data")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise QuenchError(f"{archive}: damaged archive ({error}); delete it and download it again") from None
