"""Random mutants of the package, each run against the fast unit tests that import its module; prints those that survive.

python benchmarks/mutants.py --count 60 --seed 1
python benchmarks/mutants.py --module estimators/learning.py --count 1000

A mutant changes one operator, comparison or number of one module. It is killed when a test fails, or takes longer than
the limit. The exit status is 1 where one survives; some survivors are equivalent to the original.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/quench"
PACKAGES = ("estimators", "observables", "claims", "theory", "numerics/intervals.py")
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, object]]:
    """Every node with the field and the new value that make a mutant of it; annotations are left alone."""
    types = {id(part) for node in ast.walk(tree) for part in _annotations(node)}
    for node in ast.walk(tree):
        if id(node) in types:
            continue
        if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
            yield node, "op", SWAPS[type(node.op)]()
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            yield node, "ops", [SWAPS[type(node.ops[0])](), *node.ops[1:]]
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield node, "value", node.value + 1 if isinstance(node.value, int) else node.value * 0.75


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        if part := getattr(node, name, None):
            yield from ast.walk(part)


def tests_of(module: Path) -> list[str]:
    """The unit tests that import a module, those of its own name first."""
    *above, stem = module.relative_to(PACKAGE).with_suffix("").parts
    package = r"\.".join(["quench", *above])
    imports = re.compile(rf"from {package} import (\([^)]*|.*)\b{stem}\b|{package}\.{stem}\b")
    found = [path for path in sorted((ROOT / "tests/unit").rglob("test_*.py")) if imports.search(path.read_text())]
    found = found or sorted((ROOT / "tests/unit" / Path(*above)).glob("test_*.py"))
    return [str(path) for path in sorted(found, key=lambda path: path.stem != f"test_{stem}")]


def survives(source: str, module: Path, limit: float) -> bool:
    """Whether the tests of ``module`` pass with ``source`` in its place, in a copy of the package."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (Path(folder) / module.relative_to(ROOT)).write_text(source)
        command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-m", "not slow", *tests_of(module)]
        known = os.environ | {"PYTHONPATH": f"{folder}/src", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, timeout=limit, check=False)
            return not done.returncode
        except subprocess.TimeoutExpired:
            return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--module", nargs="+", default=PACKAGES, help="modules or folders under src/quench")
    parser.add_argument("--limit", type=float, default=300, help="seconds for the tests of a mutant")
    args = parser.parse_args()
    files = [path for name in args.module for path in sorted((PACKAGE / name).rglob("*.py")) or [PACKAGE / name]]
    sites = [(path, number) for path in files for number, _ in enumerate(changes(ast.parse(path.read_text())))]
    chosen = random.Random(args.seed).sample(sites, min(args.count, len(sites)))
    alive = 0
    for path, number in chosen:
        tree = ast.parse(path.read_text())
        node, field, value = list(changes(tree))[number]
        before = ast.unparse(node)
        setattr(node, field, value)
        if survives(ast.unparse(tree), path, args.limit):
            alive += 1
            print(f"{path.relative_to(PACKAGE)}:{node.lineno}: {before} -> {ast.unparse(node)}", flush=True)
    print(f"{len(chosen) - alive} of {len(chosen)} killed", flush=True)
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())
