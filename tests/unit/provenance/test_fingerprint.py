"""What an edit of the code makes stale, tried on a copy of the package by the process that Snakemake would run."""

import json
import shutil
import subprocess
import sys

import pytest
from places import SOURCE

from quench.errors import QuenchError
from quench.provenance import steps
from quench.provenance.fingerprint import dependencies, fingerprint

BACKEND = "reference"
ASK = """
import json, sys
from quench.provenance.steps import _STEPS, code
print(json.dumps({step: code(step, "reference") for step in _STEPS}))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the package, and the steps' fingerprints in it, asked for anew at every call."""
    shutil.copytree(SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))

    def codes():
        environment = {"PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        told = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
        return json.loads(told.stdout)

    def edit(module, change):
        path = tmp_path / "src" / (module.replace(".", "/") + ".py")
        before = path.read_text()
        after = change(before)
        assert after != before
        path.write_text(after)

    return edit, codes


def stale(before, after):
    return {step for step in before if before[step] != after[step]}


def add_code(text):
    return text + "\n\n_ADDED = 1\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("    amplitude =", "    # Why this line is here.\n    amplitude ="),
        lambda text: text.replace('"""Overdamped', '"""Strongly overdamped'),
        lambda text: text.replace('"""The weights after', '"""Weights after'),
        lambda text: text.replace("np.sqrt(2 * step_size", "(np.sqrt)(\n        2 * step_size"),
        lambda text: text.replace("    amplitude =", "\n\n    amplitude ="),
    ],
    ids=["comment", "module docstring", "function docstring", "brackets and lines", "blank lines"],
)
def test_edits_without_effect_change_nothing(copy, change):
    edit, codes = copy
    before = codes()
    edit("quench.dynamics.reference.langevin", change)
    assert stale(before, codes()) == set()


def test_langevin_edit_is_langevins_alone(copy):
    edit, codes = copy
    before = codes()
    edit("quench.dynamics.reference.langevin", lambda text: text.replace("np.sqrt(2 *", "np.sqrt(2.0 *"))
    assert stale(before, codes()) == {"langevin", "annealed"}


@pytest.mark.parametrize(
    "module, expected",
    [
        ("quench.numerics.random", {"pretrain", "langevin", "sgd"}),
        ("quench.networks.mlp", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.reference.problem", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.reference.sgd", {"pretrain", "sgd"}),
        ("quench.dynamics.choices", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.batches", {"pretrain", "sgd"}),
        ("quench.dynamics.run", {"langevin", "sgd"}),
        ("quench.dynamics.recorders", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.preparation", {"pretrain"}),
        ("quench.dynamics.descent", {"pretrain"}),
        ("quench.data.prepare", {"prepare"}),
        ("quench.observables.overlap", {"observe"}),
        ("quench.observables.relaxation", {"observe"}),
        ("quench.observables.average", {"observe"}),
        ("quench.theory.brownian", set()),
        # Plumbing: reading, writing, telling and drawing make no number.
        ("quench.store.files", set()),
        ("quench.store.snapshots", set()),
        ("quench.runtime.checkpoint", set()),
        ("quench.runtime.progress", set()),
        ("quench.cli.run", set()),
        ("quench.cli.pretrain", set()),
        ("quench.config.sections", set()),
        ("quench.figures.style", set()),
    ],
)
def test_code_edit_reaches_the_steps_that_import_it(copy, module, expected):
    edit, codes = copy
    before = codes()
    edit(module, add_code)
    chain = {"prepare", "pretrain", "langevin", "sgd", "observe"}
    assert stale(before, codes()) & chain == expected


DYNAMICS = [f"{optimiser}-streamed" for optimiser in ("langevin", "annealed", "sgd", "momentum", "adam")]


@pytest.mark.parametrize(
    "command, made", [("prepare", ["prepare"]), ("pretrain", ["pretrain"]), ("run", DYNAMICS), ("observe", ["observe"])],
    ids=["prepare", "pretrain", "run", "observe"],
)  # fmt: skip
def test_steps_cover_the_science_that_their_command_calls(command, made):
    """A science module that a command calls directly must be in the fingerprint of something that it writes."""
    covered = {name for step in made for module in steps.modules(step, BACKEND) for name in dependencies(module)}
    called = {
        name
        for name in dependencies(f"quench.cli.{command}")
        if name.startswith(("quench.data.", "quench.networks.", "quench.dynamics.", "quench.observables."))
    }
    if command != "prepare":
        called -= dependencies("quench.config.scenario")  # Whether an input is the one that was asked for.
    assert called <= covered


def test_figures_have_fingerprints_of_their_own(copy, tmp_path):
    edit, _ = copy
    ask = (
        "import json; from quench.provenance.fingerprint import fingerprint;"
        "print(json.dumps({n: fingerprint(f'quench.figures.kwj.{n}') for n in ('fig2', 'fig3', 'fig5', 'fig7')}))"
    )

    def prints():
        command = [sys.executable, "-c", ask]
        told = subprocess.run(
            command, env={"PYTHONPATH": str(tmp_path / "src")}, capture_output=True, text=True, check=True
        )
        return json.loads(told.stdout)

    first = prints()
    assert len(set(first.values())) == len(first)
    edit("quench.figures.kwj.fig3", add_code)
    second = prints()
    assert stale(first, second) == {"fig3"}
    edit("quench.figures.style", add_code)
    assert stale(second, prints()) == {"fig2", "fig3", "fig5", "fig7"}


def test_relative_import_is_refused(copy, tmp_path):
    edit, _ = copy
    edit("quench.dynamics.descent", lambda text: text.replace("from quench.dynamics.survival", "from .survival"))
    ask = "from quench.provenance.fingerprint import fingerprint; fingerprint('quench.dynamics.descent')"
    told = subprocess.run(
        [sys.executable, "-c", ask],
        env={"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "relative import on line" in told.stderr


def test_missing_module_names_the_nearest():
    with pytest.raises(QuenchError, match=r"did you mean 'quench.figures.kwj.fig3'"):
        fingerprint("quench.figures.kwj.fig33")


def test_fingerprints_need_no_heavy_import():
    ask = (
        "import sys; from quench.provenance.steps import code; code('langevin', 'reference');"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["False", "False"]
