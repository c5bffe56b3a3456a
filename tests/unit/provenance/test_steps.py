"""What decides a number is inside the fingerprint of its step, and nothing else is: tried by edits of every module."""

import ast

import pytest
from imports import PATHS, imported, loaded_by_name, reached
from places import SOURCE

from quench.cli import COMMANDS
from quench.figures import declared
from quench.provenance import fingerprint as fingerprints
from quench.provenance import steps
from quench.provenance.fingerprint import all_modules, dependencies, digest, is_plumbing, source

BACKENDS = ("fused", "reference")
OPTIMISERS = ("langevin", "annealed", "sgd", "momentum", "adam")
STEPS = [*steps._STEPS, *(steps.run_step(optimiser, "streamed") for optimiser in OPTIMISERS)]
VARIANTS = {
    f"{step}, {backend}" if steps.modules(step, "a") != steps.modules(step, "b") else step: (step, backend)
    for step in STEPS
    for backend in BACKENDS
    if step != "figure"
} | {f"figure, {figure}": ("figure", "", figure) for figure in declared.known()}
NOTES = (
    "quench.estimators.fluctuation_dissipation",
    "quench.figures.declared",
    "quench.figures.figure_inputs",
    "quench.figures.own.ageing",
    "quench.networks.trivial",
)
SCIENCE = ("numerics", "data", "networks", "theory", "dynamics", "observables", "estimators", "figures")


def steps_of(command):
    """The steps whose results a command writes."""
    return [step for step in STEPS if step == command or (command == "run" and step.split("-")[0] in OPTIMISERS)]


WRITERS = [command for command in COMMANDS if steps_of(command)]


def codes():
    return {name: steps.code(*variant) for name, variant in VARIANTS.items()}


def mutated(text):
    """``text`` with its last constant changed, or with one more line where it has none; None where nothing computes."""
    tree = ast.parse(text)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    if not constants:
        return text + "\n_ADDED = 1\n" if tree.body[1:] else None
    last = max(constants, key=lambda node: (node.lineno, node.col_offset))
    last.value = "changed" if isinstance(last.value, str) else 7 if last.value is None else not last.value
    return ast.unparse(tree)


@pytest.fixture(scope="module")
def changed_by():
    """Modules by the name of the variant of a step whose code their mutation changes."""
    before, original = codes(), fingerprints._digest
    found = {name: set() for name in VARIANTS}
    with pytest.MonkeyPatch.context() as patch:
        for module in all_modules():
            text = mutated(source(module))
            if text is None:
                continue
            edited = {module: digest(text)}
            patch.setattr(fingerprints, "_digest", lambda name, edited=edited: edited.get(name) or original(name))
            fingerprints.fingerprint.cache_clear()
            for name, code in codes().items():
                if code != before[name]:
                    found[name].add(module)
    fingerprints.fingerprint.cache_clear()
    assert codes() == before
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_a_changed_constant_in_any_module_that_a_step_computes_with_changes_its_code(name, changed_by):
    expected = {module for module in reached(*steps.modules(*VARIANTS[name])) if not is_plumbing(module)}
    assert changed_by[name] == {module for module in expected if mutated(source(module))}


PLUMBING = [
    module
    for module in all_modules()
    if module.split(".")[1:2] in (["runtime"], ["store"], ["provenance"], ["errors"])
    or module in ("quench.data.download", "quench.data.layouts", "quench.dynamics.training", "quench")
]


@pytest.mark.parametrize("module", PLUMBING)
def test_a_changed_line_in_a_plumbing_module_changes_no_step(module, changed_by):
    """The table of variables is part of every result that is a file: units and names are in it."""
    touched = {name for name, modules in changed_by.items() if module in modules}
    assert bool(touched) == (module == "quench.store.variables")


def test_no_plumbing_module_is_in_the_fingerprint_of_a_step():
    inside = {
        name for variant in VARIANTS.values() for module in steps.modules(*variant) for name in dependencies(module)
    }
    assert not {name for name in inside if is_plumbing(name)}
    assert not inside & (set(PLUMBING) - {"quench.store.variables"})


def test_every_step_has_a_command():
    assert {step for command in WRITERS for step in steps_of(command)} == set(STEPS)


@pytest.mark.parametrize("command", WRITERS)
def test_the_work_of_a_command_is_inside_the_fingerprints_of_its_steps(command):
    """Every module of the science that the command imports, itself or through other modules of ``quench.cli``."""
    own = f"quench.cli.{command.replace('-', '_')}"
    commands = {module for module in reached(own) if module.startswith("quench.cli.")}
    variants = [variant for variant in VARIANTS.values() if variant[0] in steps_of(command)]
    inside = {name for variant in variants for module in steps.modules(*variant) for name in dependencies(module)}
    outside = [
        f"{module}, line {line}: {target}"
        for module in sorted(commands)
        for line, target in imported(module)
        if target.startswith(tuple(f"quench.{room}." for room in SCIENCE))
        and target not in inside
        and not is_plumbing(target)
        # They read the titles and the needs of figures, and print notes.
        and target not in NOTES
    ]
    assert not outside


@pytest.mark.parametrize("name", VARIANTS)
def test_modules_that_a_step_loads_by_name_are_inside_its_fingerprint(name):
    """``import_module`` hides what it loads from the fingerprint, so the table of steps must name it."""
    inside = {found for module in steps.modules(*VARIANTS[name]) for found in dependencies(module)}
    for module in inside:
        for pattern in loaded_by_name(module):
            assert any(map(pattern.fullmatch, inside)), f"{module} loads {pattern.pattern}"


def test_the_package_that_is_tested_is_the_one_whose_text_is_read():
    assert all(PATHS[module].is_relative_to(SOURCE) for module in PATHS) and set(all_modules()) == set(PATHS)
