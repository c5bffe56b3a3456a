"""Imports point one way, as the design page states, and commands import nothing to compute with."""

import ast
import graphlib
import re

import pytest
from imports import PATHS, imported, tree
from places import DOCS

LIBRARIES = r"(numpy|torch|torchvision|scipy|numba|curvlinops|mlxtend|quench\.numerics)\b"
CALLS = r"(xr|xarray)\.|(.+\.)?(stream_id|Dataset|DataArray|Variable|concat)$"
COMMANDS = [module for module in PATHS if module.split(".")[1:2] == ["cli"]]


def stated_order():
    """The order that docs/design.md states, ``a < b < c``; the package's own two modules are around it."""
    page = (DOCS / "design.md").read_text(encoding="utf-8")
    (order,) = re.findall(r"^(errors(?:\s*<\s*\w+)+)$", page, re.MULTILINE)
    return ["__init__", *re.split(r"\s*<\s*", order), "__main__"]


def room(module):
    return (*module.split("."), "__init__")[1]


def test_the_order_names_every_room_once():
    assert sorted(stated_order()) == sorted({room(module) for module in PATHS})


@pytest.mark.parametrize("name", sorted({room(module) for module in PATHS} - {"__init__"}))
def test_a_room_imports_from_itself_and_from_rooms_before_it(name):
    """Imports in function bodies count. ``quench/__init__.py`` is left out: it loads public names when they are used."""
    allowed = stated_order()[: stated_order().index(name) + 1]
    assert not [
        f"{module}, line {line}: {target}"
        for module in PATHS
        if room(module) == name
        for line, target in imported(module)
        if target.split(".")[0] == "quench" and room(target) not in allowed
    ]


def test_no_modules_import_each_other():
    """Not even through others, in function bodies or for types."""
    arrows = {module: {target for _, target in imported(module)} - {module} for module in PATHS if module != "quench"}
    order = list(graphlib.TopologicalSorter(arrows).static_order())
    assert order.index("quench.data.download") < order.index("quench.data.sources")


@pytest.mark.parametrize("module", COMMANDS)
def test_a_command_computes_nothing_itself(module):
    """No array library and no random stream at any depth; xarray names types and calls nothing."""
    computing = [f"line {line}: {name}" for line, name in imported(module) if re.match(LIBRARIES, name)]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and re.match(CALLS, ast.unparse(node.func)):
            computing.append(f"line {node.lineno}: {ast.unparse(node)}")
    assert not computing
