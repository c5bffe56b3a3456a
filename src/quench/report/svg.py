"""Pictures for the page: SVG files, reduced in size without a visible change, as data addresses."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import NamedTuple

from quench.errors import QuenchError

_HEAD = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_UNSEEN = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_PATH = re.compile(r'(?<= d=")[^"]*(?=")')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
# Characters that must be escaped in a data address within a quoted attribute.
_ESCAPED = {"%": "%25", "#": "%23", '"': "'", "'": "%26apos;", "\n": " ", "&": "%26"}


class Picture(NamedTuple):
    """``uri`` for ``<img src>``; ``width`` and ``height`` in points; ``title`` from the metadata."""

    uri: str
    width: float
    height: float
    title: str


def picture(path: Path) -> Picture:
    """An SVG file of matplotlib. Coordinates of paths keep two decimals, a hundredth of a point.

    Raises ``QuenchError`` for any other file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuenchError(f"{path}: not a readable SVG file ({error})") from None
    size, title = _SIZE.search(text), _TITLE.search(text)
    if size is None:
        raise QuenchError(f"{path}: not an SVG file of a figure (no viewBox)")
    return Picture(address(smaller(text)), float(size[1]), float(size[2]), title[1] if title else path.stem)


def smaller(text: str) -> str:
    """The same picture in fewer bytes: no prologue, metadata or comments, and short numbers in paths."""
    text = _UNSEEN.sub("", _HEAD.sub("", text))
    text = _PATH.sub(lambda path: _DECIMALS.sub(r"\1", " ".join(path[0].split())), text)
    return re.sub(r">\s+<", "><", text)


def address(text: str) -> str:
    """A picture as a data address with the fewest escapes; base64 would be a third longer."""
    return "data:image/svg+xml," + "".join(_ESCAPED.get(character, character) for character in text)


def download(content: bytes, kind: str = "application/x-netcdf") -> str:
    """Any file as a data address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
