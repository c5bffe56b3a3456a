"""A folder of results in one archive: plain tar, a list of SHA-256 sums first, and a checksum of the whole at its end.

``tar xf`` and ``sha256sum -c SHA256SUMS`` open and check it, too. Reading believes nothing: names, types, sizes and sums
are checked, and no file takes its place before all of them have been found whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from quench.errors import QuenchError
from quench.runtime.atomic import atomic, sync
from quench.store import checksum

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
# No hidden files, no "..", nothing that a shell or a file system could take for something else.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_MOST_SUMS = 1 << 26
_PIECE = 1 << 22


def pack(root: Path, paths: Iterable[Path], output: Path) -> None:
    """Write ``paths``, files in the folder ``root``, to the archive ``output``, under the folder's name.

    The same files give the same bytes: no times, no owners.
    """
    names = {f"{root.name}/{path.relative_to(root).as_posix()}": path for path in sorted(paths)}
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
    """Unpack ``archive`` to a new folder in ``folder``, named as it was packed; its path.

    ``check`` is called with each file before the new folder takes its name. Raises ``QuenchError``, leaving nothing
    behind, for an archive that is damaged, holds anything but the plain files of its list, or would write elsewhere; and
    where the new folder is there already.
    """
    try:
        sealed = checksum.check(archive)
    except FileNotFoundError:
        raise QuenchError(f"{archive}: no such file") from None
    except OSError as error:
        raise QuenchError(f"{archive}: cannot be read ({error.strerror})") from None
    if not sealed:
        raise QuenchError(f"{archive}: not a whole archive of quench pack (no checksum at its end)")
    with _opened(archive) as entries:
        sums = _sums(archive, entries)
        name = next(iter(sums)).split("/")[0]
        target = folder / name
        if os.path.lexists(target):
            raise QuenchError(f"{target}: is there already; remove it, or unpack to another folder (-d)")
        made = _make(folder)
        staging = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder))
        try:
            _extract(archive, entries, sums, staging)
            (staging / name / SUMS).write_text("".join(f"{digest}  {path}\n" for path, digest in sums.items()))
            # One moment for all: none is newer than what was made from it.
            now = (staging / name).stat().st_mtime
            for path in sums:
                os.utime(staging / path, (now, now))
                check(staging / path)
                sync(staging / path)
            os.replace(staging / name, target)
            sync(folder)
        except BaseException as error:
            for path in [staging, *made]:
                shutil.rmtree(path, ignore_errors=True)
            if isinstance(error, QuenchError):
                raise QuenchError(str(error).replace(f"{staging}/", f"{archive}: ")) from None
            raise
        shutil.rmtree(staging, ignore_errors=True)
    return target


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, io.BufferedIOBase]]]:
    """The plain files of ``archive`` one after the other; anything else in it is refused."""

    def entries(opened: tarfile.TarFile) -> Iterator:
        for entry in opened:
            if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
                raise QuenchError(f"{archive}: {entry.name!r} is not a plain file; nothing was unpacked")
            content = opened.extractfile(entry)
            assert content is not None
            yield entry, content

    try:
        with tarfile.open(archive, "r:") as opened:
            yield entries(opened)
    except (tarfile.TarError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise QuenchError(f"{archive}: not a readable archive ({error}); nothing was unpacked") from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise QuenchError(f"{archive}: cannot be unpacked ({place}{error.strerror or error})") from None


def _sums(archive: Path, entries: Iterator) -> dict[str, str]:
    """SHA-256 by name, from the first file of the archive; all names lie in one folder, each is there once."""
    entry, content = next(entries, (None, None))
    if entry is None or entry.name != SUMS or entry.size > _MOST_SUMS:
        raise QuenchError(f"{archive}: does not begin with {SUMS}; quench pack makes such archives")
    sums: dict[str, str] = {}
    for line in content.read().decode("utf-8").splitlines():
        match = _LINE.fullmatch(line)
        parts = match[2].split("/") if match else []
        if len(parts) < 2 or not all(_PART.fullmatch(part) for part in parts):
            raise QuenchError(f"{archive}: {line[66:]!r} is not a name that quench pack gives; nothing was unpacked")
        assert match is not None
        if match[2] in sums:
            raise QuenchError(f"{archive}: {match[2]!r} is listed twice; nothing was unpacked")
        sums[match[2]] = match[1]
    if len({name.split("/")[0] for name in sums}) != 1:
        raise QuenchError(f"{archive}: holds not one folder of results but several, or none; nothing was unpacked")
    return sums


def _make(folder: Path) -> list[Path]:
    """Make ``folder``; the folders that were made for it, outermost first."""
    new = [path for path in [folder, *folder.parents] if not path.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _extract(archive: Path, entries: Iterator, sums: dict[str, str], staging: Path) -> None:
    """Write the files that are listed in ``sums`` below ``staging``, each once and whole."""
    missing = dict(sums)
    for entry, content in entries:
        wanted = missing.pop(entry.name, None)
        if wanted is None:
            why = "is in it twice" if entry.name in sums else "is not in its list"
            raise QuenchError(f"{archive}: {entry.name!r} {why}; nothing was unpacked")
        path = staging / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with open(path, "xb") as file:
            while piece := content.read(_PIECE):
                digest.update(piece)
                file.write(piece)
        if digest.hexdigest() != wanted:
            raise QuenchError(f"{archive}: {entry.name!r} does not match its checksum; nothing was unpacked")
    if missing:
        raise QuenchError(f"{archive}: {min(missing)!r} is listed, but not there; nothing was unpacked")
