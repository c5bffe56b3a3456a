"""What a result depends on in the code: a hash of syntax trees, blind to comments, docstrings and formatting.

Snakemake reruns a job when its parameters change; each rule passes ``fingerprint("quench.some.module")`` as one of them,
so an edit reaches exactly the results that the edited code made. Nothing is imported to compute it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

from quench.errors import QuenchError, nearest
from quench.provenance.submission import check_code

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT.name


@functools.cache
def fingerprint(module: str) -> str:
    """Sixteen hexadecimal digits over ``module`` and everything in the package that it imports, however deep.

    Raises ``QuenchError`` for a module that does not exist, and in a job that was submitted with other code.
    """
    digest = hashlib.sha256()
    for name in sorted(dependencies(module)):
        digest.update(name.encode() + b"\0" + _canonical(name).encode() + b"\0")
    check_code(module, digest.hexdigest()[:16])
    return digest.hexdigest()[:16]


def all_fingerprints() -> dict[str, str]:
    """Fingerprints of all modules of the package by name."""
    return {name: fingerprint(name) for name in map(_name, sorted(ROOT.rglob("*.py")))}


@functools.cache
def dependencies(module: str) -> frozenset[str]:
    """Dotted names of ``module`` and all package modules that it imports, directly or not (function bodies included)."""
    if _path(module) is None:
        known = [_name(path) for path in ROOT.rglob("*.py")]
        raise QuenchError(f"no module {module!r} in the package{nearest(module, known)}")
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return frozenset(found)


def _path(name: str) -> Path | None:
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
def _tree(name: str) -> ast.Module:
    path = _path(name)
    assert path is not None
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def _imports(name: str) -> frozenset[str]:
    """Package modules named by the import statements of ``name``, and the packages that enclose them."""
    wanted: set[str] = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            wanted.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            wanted.add(node.module)
            # ``from package import thing``: the thing may be a module of its own.
            wanted.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise QuenchError(
                f"{name}: relative import on line {node.lineno}; write it out, fingerprints need full names"
            )
    modules = {candidate for candidate in wanted if _path(candidate) is not None}
    # ``quench`` itself (its version number) is left out: a release changes no result.
    return frozenset(
        parent
        for found in modules
        for parent in _with_parents(found)
        if parent not in {PACKAGE, f"{PACKAGE}.provenance.fingerprint"}
    )


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(2, len(parts) + 1)] or [name]


@functools.cache
def _canonical(name: str) -> str:
    """The syntax tree as text, docstrings and positions left out."""
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree, annotate_fields=False, include_attributes=False)
