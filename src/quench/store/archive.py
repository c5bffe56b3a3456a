"""A folder of results in one file: plain tar, a list of SHA-256 sums first, and a checksum of the file at its end.

``tar xf`` and ``sha256sum -c SHA256SUMS`` open and check it, too. Reading trusts nothing: names, types, sizes and sums
are checked, and no file appears under its name before all of them have been found intact.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from quench.errors import QuenchError
from quench.runtime.atomic import atomic, sync
from quench.store import checksum

SUMS = "SHA256SUMS"
# A sum and a name: no hidden files, no "..", nothing that a shell or a file system could misread.
_PART = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"
_LINE = re.compile(rf"([0-9a-f]{{64}})  ({_PART}(?:/{_PART})+)")
_MOST_SUMS = 1 << 26


def pack(folder: str, parts: Mapping[str, Path], output: Path) -> None:
    """Write ``parts``, files by their names in ``folder``, to the archive ``output``.

    The same files give the same bytes: no times, no owners.
    """
    names = {f"{folder}/{name}": path for name, path in sorted(parts.items())}
    sums = "".join(f"{checksum.sha256(path)}  {name}\n" for name, path in names.items()).encode()
    with atomic(output) as temporary:
        with tarfile.open(temporary, "w:", format=tarfile.PAX_FORMAT) as archive:
            archive.addfile(_entry(SUMS, len(sums)), io.BytesIO(sums))
            for name, path in names.items():
                with open(path, "rb") as file:
                    archive.addfile(_entry(name, path.stat().st_size), file)
        checksum.seal(temporary)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def unpack(archive: Path, folder: Path, check: Callable[[Path], None]) -> Path:
    """Unpack ``archive`` to a new folder in ``folder`` with the name that was packed; return its path.

    ``check`` is called with each file before the new folder takes its name. Raises ``QuenchError``, leaving nothing
    behind, for an archive that is damaged, holds anything but the plain files of its list, or would write elsewhere, and
    where the new folder already exists.
    """
    with _one_line(archive):
        if not checksum.check(archive):
            raise QuenchError("not a complete archive of quench pack (no checksum at its end)")
        with tarfile.open(archive, "r:") as tar:
            sums = _sums(tar)
            target = folder / next(iter(sums)).split("/")[0]
            if os.path.lexists(target):
                raise QuenchError(f"{target} already exists; remove it, or unpack to another folder (-d)")
            with _staging(folder) as staging:
                tar.extractall(staging, filter="data")
                os.replace(staging / SUMS, staging / target.name / SUMS)
                _check_files(staging, sums, check)
                os.replace(staging / target.name, target)
                sync(folder)
    return target


@contextlib.contextmanager
def _one_line(archive: Path) -> Iterator[None]:
    """Turn all that can be wrong with ``archive``, and with the disk, into one line."""
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise QuenchError(f"{archive}: not a readable archive ({error}); nothing was unpacked") from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename not in (None, archive, str(archive)) else ""
        raise QuenchError(f"{archive}: {place}{error.strerror or error}; nothing was unpacked") from None
    except QuenchError as error:
        raise QuenchError(f"{archive}: {str(error).removeprefix(f'{archive}: ')}; nothing was unpacked") from None


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A temporary folder in ``folder``; after an error nothing remains, not even the folders that were created for it."""
    new = [path for path in [folder, *folder.parents] if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder))
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        with contextlib.suppress(OSError):
            for path in new:
                path.rmdir()
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _sums(tar: tarfile.TarFile) -> dict[str, str]:
    """SHA-256 by name, from the first file of the archive. Its other files have these names, each once, in one folder."""
    entries = tar.getmembers()
    for entry in entries:
        if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
            raise QuenchError(f"{entry.name!r} is not a plain file")
    first = tar.extractfile(entries[0]) if entries and entries[0].size <= _MOST_SUMS else None
    if first is None or entries[0].name != SUMS:
        raise QuenchError(f"does not begin with {SUMS}; quench pack writes such archives")
    sums: list[tuple[str, str]] = []
    for line in first.read().decode().splitlines():
        if (match := _LINE.fullmatch(line)) is None:
            raise QuenchError(f"{line[66:]!r} is not a name that quench pack writes")
        sums.append((match[2], match[1]))
    if len({name.split("/")[0] for name, _ in sums}) != 1:
        raise QuenchError("holds several folders of results, or none")
    held, listed = Counter(entry.name for entry in entries[1:]), Counter(name for name, _ in sums)
    for name in held | listed:
        if not held[name] == listed[name] == 1:
            raise QuenchError(
                f"{name!r} is not once in the archive and once in its list ({held[name]} and {listed[name]})"
            )
    return dict(sums)


def _check_files(staging: Path, sums: dict[str, str], check: Callable[[Path], None]) -> None:
    """Compare all files with their ``sums``, call ``check`` with each, and give all of them one time."""
    # None is newer than what was computed from it.
    now = staging.stat().st_mtime
    for name, digest in sums.items():
        if checksum.sha256(staging / name) != digest:
            raise QuenchError(f"{name!r} does not match its checksum")
        os.utime(staging / name, (now, now))
        sync(staging / name)
        try:
            check(staging / name)
        except QuenchError as error:
            raise QuenchError(str(error).replace(f"{staging}/", "")) from None
