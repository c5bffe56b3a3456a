"""The code that a result depends on, as a hash of syntax trees: blind to comments, docstrings and formatting.

Snakemake reruns a job when its parameters change. Each rule passes fingerprints of the modules that compute its result as
one of them, so an edit reaches exactly the results that the edited code computes. Nothing is imported to compute a
fingerprint: it is a function of the files of the package alone.

Whatever decides a number is inside, and nothing else is. ``PLUMBING`` decides none and is left out of every fingerprint:
how a process survives being killed, which code is whose, how files are written and checked, how raw images are downloaded,
how a training resumes from its checkpoint, and the text of an error. So a new message retrains nothing. One module of
``store`` is inside: ``quench.store.variables`` puts arrays, names and units together, and these are part of a result. What
plumbing imports is followed all the same, so that a module counts whichever way a computation reaches it.

To parse the package takes a second. So what was read from a module's syntax tree is kept beside its byte code, in a file
that is valid for one text of the module only.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import os
import sys
from pathlib import Path

from quench.errors import QuenchError, nearest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name

# Modules, and packages with all that they contain; names without the leading ``quench``.
PLUMBING = ("errors", "runtime", "provenance", "store", "data.download", "data.layouts", "dynamics.training")
COMPUTING = ("store.variables",)


@functools.cache
def fingerprint(module: str) -> str:
    """Sixteen hexadecimal digits over ``module`` and all ``dependencies`` of it.

    Raises ``QuenchError`` for a module that does not exist.
    """
    parts = "".join(f"{name} {_digest(name)}\n" for name in sorted(dependencies(module)))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def all_fingerprints() -> dict[str, str]:
    """Fingerprints of all modules of the package by name."""
    return {name: fingerprint(name) for name in all_modules()}


def all_modules() -> list[str]:
    """Dotted names of all modules of the package."""
    return [_name(path) for path in sorted(ROOT.rglob("*.py"))]


@functools.cache
def dependencies(module: str) -> frozenset[str]:
    """Names of ``module`` and of all that it imports, directly or not, in function bodies too; plumbing is left out."""
    if _path(module) is None:
        raise QuenchError(f"no module {module!r} in the package{nearest(module, all_modules())}")
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return frozenset(name for name in found if name == module or not is_plumbing(name))


def is_plumbing(module: str) -> bool:
    """Whether ``module`` is left out of every fingerprint."""
    name = module.removeprefix(f"{PACKAGE}.")
    return name not in COMPUTING and any(f"{name}.".startswith(f"{part}.") for part in PLUMBING)


@functools.cache
def _path(name: str) -> Path | None:
    """The file of a module of the package; a user's own module is named by its file."""
    if name.endswith(".py"):
        return Path(name) if Path(name).is_file() else None
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    stem = ROOT.joinpath(*parts[1:])
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _name(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def source(name: str) -> str:
    """The text of a module."""
    path = _path(name)
    assert path is not None
    return path.read_text(encoding="utf-8")


@functools.cache
def _imports(name: str) -> frozenset[str]:
    """Package modules named by the import statements of ``name``, and the packages that enclose them."""
    _, wanted = _syntax(name)
    return frozenset(parent for found in wanted if _path(found) is not None for parent in _with_parents(found))


def _with_parents(name: str) -> list[str]:
    # Without the package itself, which holds the version: a release changes no result.
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(2, len(parts) + 1)]


def _digest(name: str) -> str:
    return _syntax(name)[0]


@functools.cache
def _syntax(name: str) -> tuple[str, list[str]]:
    """``digest`` of a module and ``_named`` by it, from the file in ``__pycache__`` where that was made from the same text.

    Its first line is a hash over the text, the code of this module and the rest of the file; any other file is replaced.
    """
    path, text = _path(name), source(name)
    assert path is not None
    kept, content = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.syntax", ""
    with contextlib.suppress(OSError, ValueError):
        first, content = kept.read_text(encoding="utf-8").split("\n")
        content = content if first == _hash(source(__name__), text, content) else ""
    if not content:
        content = json.dumps((digest(text), _named(name, text)))
        # As Python writes byte code: nothing is lost where it cannot be written or does not reach the disk.
        with contextlib.suppress(OSError):
            kept.parent.mkdir(exist_ok=True)
            temporary = kept.with_suffix(f".{os.getpid()}")
            temporary.write_text(f"{_hash(source(__name__), text, content)}\n{content}", encoding="utf-8")
            os.replace(temporary, kept)
    digested, named = json.loads(content)
    return digested, named


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _named(name: str, text: str) -> list[str]:
    """What the import statements in the ``text`` of module ``name`` may name inside the package.

    Raises ``QuenchError`` for a relative import.
    """
    wanted: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            wanted.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            # ``from package import thing``: the thing may be a module of its own.
            wanted.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise QuenchError(
                f"{name}: relative import on line {node.lineno}; write it out, fingerprints need full names"
            )
    return sorted(one for one in wanted if one.split(".")[0] == PACKAGE)


def digest(text: str) -> str:
    """SHA-256 of the syntax tree of ``text``, docstrings and positions left out."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _documented(node):
            node.body = node.body[1:]
    return _hash(ast.dump(tree, annotate_fields=False, include_attributes=False))


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the body begins with a docstring."""
    return ast.get_docstring(node, clean=False) is not None
