"""What the module of a figure says of itself, read without importing it (nor matplotlib)."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any

import quench
from quench.errors import QuenchError, nearest

_PACKAGE = Path(quench.__file__).parent


@functools.cache
def known() -> tuple[str, ...]:
    """Every figure that there is, as ``kwj.fig3``."""
    paths = (_PACKAGE / "figures").glob("*/*.py")
    return tuple(sorted(f"{path.parent.name}.{path.stem}" for path in paths if "TITLE" in _constants(path)))


def check(figure: str, given: Mapping[str, Sized] | None = None) -> None:
    """Raise ``QuenchError`` for a figure that does not exist, or one that needs more entries than are ``given``.

    ``given``: entries by key of a figure's section; None leaves the second question open.
    """
    # All others are read only for a message.
    if "TITLE" not in _constants(_path(figure)):
        raise QuenchError(f"no figure {figure!r}{nearest(figure, known())}; known: {', '.join(known())}")
    for name, count in needs(figure).items() if given is not None else ():
        if sum(len(given.get(key, ())) for key in name.split(" or ")) < count:
            raise QuenchError(f"{figure} needs {name}{f': {count}' if count > 1 else ''}")


def needs(figure: str) -> dict[str, int]:
    """``NEEDS`` of a figure: the keys of its section that it cannot do without, and how many entries of each."""
    return _constants(_path(figure)).get("NEEDS", {})


def words(figure: str) -> tuple[str, str]:
    """``TITLE`` and ``CAPTION`` of a figure."""
    found = _constants(_path(figure))
    if not {"TITLE", "CAPTION"} <= found.keys():
        raise QuenchError(f"{_path(figure)}: a figure has a TITLE and a CAPTION")
    return found["TITLE"], found["CAPTION"]


def _path(figure: str) -> Path:
    return _PACKAGE / "figures" / f"{figure.replace('.', '/')}.py"


@functools.cache
def _constants(path: Path) -> dict[str, Any]:
    """TITLE, CAPTION and NEEDS that a module assigns, or takes from another figure's; none where there is no file."""
    found: dict[str, Any] = {}
    if not path.is_file():
        return found
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            names = {ast.unparse(target) for target in node.targets} & {"TITLE", "CAPTION", "NEEDS"}
            found |= {name: ast.literal_eval(node.value) for name in names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("quench.figures."):
            other = _PACKAGE.joinpath(*node.module.split(".")[1:]).with_suffix(".py")
            wanted = {alias.name for alias in node.names} & {"TITLE", "CAPTION", "NEEDS"}
            found |= {name: _constants(other)[name] for name in wanted}
    return found
