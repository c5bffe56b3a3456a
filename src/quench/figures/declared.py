"""Declarations of the figures' modules (title, caption, needs, place in the paper), read without importing matplotlib."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any, NamedTuple

import quench
from quench.errors import QuenchError, nearest

_FIGURES = Path(quench.__file__).parent / "figures"


class Declared(NamedTuple):
    """``TITLE``, ``CAPTION``, ``NEEDS``, ``LABEL`` and ``SECTION`` of a figure's module; the last three may be absent.

    ``needs``: keys of the figure's section that must be given, and how many entries of each; "a or b" takes either key.
    ``label`` and ``section``: the figure's number and section in its paper.
    """

    title: str
    caption: str
    needs: Mapping[str, int] = {}
    label: str = ""
    section: str = ""


_NAMES = {field.upper(): field for field in Declared._fields}


@functools.cache
def known() -> tuple[str, ...]:
    """All figures, as ``kwj.fig3``."""
    paths = sorted(_FIGURES.glob("*/*.py"))
    return tuple(f"{path.parent.name}.{path.stem}" for path in paths if "title" in _constants(path))


def is_own(figure: str) -> bool:
    """Whether a figure is drawn by a user's own file, whose path then stands for the module."""
    return figure.endswith(".py")


def read(figure: str) -> Declared:
    """Declarations of a figure; ``QuenchError`` with the nearest name for an unknown one, and for an unreadable own file."""
    if is_own(figure):
        return Declared(**_own(Path(figure)))
    found = _constants(_FIGURES / f"{figure.replace('.', '/')}.py")
    if "title" not in found:
        raise QuenchError(f"no figure {figure!r}{nearest(figure, known())}; known: {', '.join(known())}")
    if "caption" not in found:
        raise QuenchError(f"figure {figure!r} has no CAPTION")
    return Declared(**found)


def check(figure: str, given: Mapping[str, Sized]) -> None:
    """Raise ``QuenchError`` for an unknown figure, and for one that needs more entries than ``given`` under a key."""
    for keys, count in read(figure).needs.items():
        if sum(len(given.get(key, ())) for key in keys.split(" or ")) < count:
            raise QuenchError(f"{figure} needs {keys}{f': {count}' if count > 1 else ''}")


def _own(path: Path) -> dict[str, Any]:
    """Declarations of a user's own file, which must also define ``compute`` and ``draw``."""
    if not path.is_file():
        raise QuenchError(f"{path}: no such file")
    try:
        found = _constants(path)
        names = {node.name for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.FunctionDef)}
    except (SyntaxError, ValueError) as error:
        raise QuenchError(f"{path}: not a readable figure module ({error})") from None
    given = names | {name.upper() for name in found}
    if absent := [name for name in ("TITLE", "CAPTION", "compute", "draw") if name not in given]:
        raise QuenchError(f"{path}: a figure module needs TITLE, CAPTION, compute and draw; no {', '.join(absent)}")
    return found


@functools.cache
def _constants(path: Path) -> dict[str, Any]:
    """Declarations that a module assigns or imports from another figure's; none for a missing file."""
    found: dict[str, Any] = {}
    if not path.is_file():
        return found
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            names = {ast.unparse(target) for target in node.targets} & _NAMES.keys()
            found |= {_NAMES[name]: ast.literal_eval(node.value) for name in names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("quench.figures."):
            other = _FIGURES.joinpath(*node.module.split(".")[2:]).with_suffix(".py")
            names = {alias.name for alias in node.names} & _NAMES.keys()
            found |= {_NAMES[name]: _constants(other)[_NAMES[name]] for name in names}
    return found
