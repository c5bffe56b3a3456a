"""The import statements of the package, read from its files without the code of ``quench.provenance.fingerprint``."""

import ast
import functools
import re

from places import SOURCE

PATHS = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "quench").rglob("*.py"))
}


@functools.cache
def tree(module):
    return ast.parse(PATHS[module].read_text(encoding="utf-8"))


def imported(module):
    """(line, name) of every import of ``module`` at any depth; ``from a import b`` is ``a.b`` where that is a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in PATHS else node.module


@functools.cache
def reached(*modules):
    """``modules`` and all modules that they import, directly or not, with the packages around them, but ``quench`` itself.

    That holds the version, and imports its public names when they are used.
    """
    found, waiting = {"quench"}, list(modules)
    while waiting:
        module = waiting.pop()
        if module in PATHS and module not in found:
            found.add(module)
            waiting += [name for _, name in imported(module)] + [module.rpartition(".")[0]]
    return found - {"quench"}


def loaded_by_name(module):
    """Patterns of the module names that ``module`` gives to ``importlib.import_module``, as in ``quench.a.{b}.c``."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
            text = [re.escape(part.value) if isinstance(part, ast.Constant) else r"[\w.]+" for part in parts]
            yield re.compile("".join(text))
