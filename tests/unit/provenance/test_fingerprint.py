"""Edits of the code and the steps whose fingerprint they change; tests/unit/provenance/test_steps.py tries all modules."""

import json
import shutil
import subprocess
import sys

import pytest
from places import SOURCE

from quench.errors import QuenchError
from quench.provenance import fingerprint as fingerprints
from quench.provenance import steps
from quench.provenance.fingerprint import digest, fingerprint, is_plumbing, source

STEPS = [step for step in steps._STEPS if step != "figure"]


def codes():
    figures = {name: steps.code("figure", figure=f"kwj.{name}") for name in ("fig2", "fig3", "fig5", "fig7")}
    return figures | {step: steps.code(step, "reference") for step in STEPS}


@pytest.fixture
def stale(monkeypatch):
    """The steps whose fingerprint an edit of a module changes."""
    original = fingerprints._digest

    def after(module, change):
        before, text = codes(), change(source(module))
        assert text != source(module)
        monkeypatch.setattr(fingerprints, "_digest", lambda name: digest(text) if name == module else original(name))
        fingerprint.cache_clear()
        return {step for step, code in codes().items() if code != before[step]}

    yield after
    monkeypatch.undo()
    fingerprint.cache_clear()


def add_code(text):
    return text + "\n\n_ADDED = 1\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("    amplitude =", "    # Why this line is here.\n    amplitude ="),
        lambda text: text.replace('"""', '"""In other words: ', 1),
        lambda text: text.replace('\n    """', '\n    """In other words: ', 1),
        lambda text: text.replace("np.sqrt(2 * step_size", "(np.sqrt)(\n        2 * step_size"),
        lambda text: text.replace("    amplitude =", "\n\n    amplitude ="),
    ],
    ids=["comment", "module docstring", "function docstring", "brackets and lines", "blank lines"],
)
def test_edits_without_effect_change_nothing(stale, change):
    assert stale("quench.dynamics.reference.langevin", change) == set()


def test_edit_of_langevin_dynamics_leaves_sgd(stale):
    changed = stale("quench.dynamics.reference.langevin", lambda text: text.replace("np.sqrt(2 *", "np.sqrt(2.0 *"))
    assert changed == {"langevin", "annealed", "replicas"}


@pytest.mark.parametrize(
    "module, expected",
    [
        ("quench.numerics.random", {"pretrain", "langevin", "sgd", "observe"}),
        ("quench.networks.mlp", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.reference.sgd", {"pretrain", "sgd"}),
        ("quench.dynamics.choices", {"pretrain", "langevin", "sgd", "observe"}),
        ("quench.dynamics.batches", {"pretrain", "sgd"}),
        ("quench.dynamics.run", {"langevin", "sgd"}),
        ("quench.dynamics.recorders", {"pretrain", "langevin", "sgd"}),
        ("quench.dynamics.preparation", {"pretrain"}),
        ("quench.data.prepare", {"prepare"}),
        ("quench.observables.overlap", {"observe"}),
        ("quench.figures.kwj.fig3", {"fig3"}),
        ("quench.figures.style", {"fig2", "fig3", "fig5", "fig7"}),
        ("quench.figures.vocabulary", {"fig2", "fig3", "fig5", "fig7"}),
        ("quench.cli.run", set()),
        ("quench.cli.pretrain", set()),
        ("quench.config.sections", set()),
    ],
)
def test_code_edit_reaches_the_steps_that_import_the_module(stale, module, expected):
    chain = {"prepare", "pretrain", "langevin", "sgd", "observe", "fig2", "fig3", "fig5", "fig7"}
    assert stale(module, add_code) & chain == expected


def test_a_science_module_reached_through_plumbing_counts(monkeypatch):
    monkeypatch.setattr(fingerprints, "_path", lambda name: SOURCE)
    monkeypatch.setattr(fingerprints, "_imports", {"a": ["store.b"], "store.b": ["c"], "c": []}.get)
    assert fingerprints.dependencies.__wrapped__("a") == {"a", "c"}


def test_plumbing_is_matched_by_whole_names():
    names = ["errors", "store", "store.files", "runtime.rows", "data.download"]
    assert all(is_plumbing(f"quench.{name}") for name in names)
    others = ["store.variables", "stored", "data.downloads", "data", "errors_of_measurement", "theory.store"]
    assert not any(is_plumbing(f"quench.{name}") for name in others)


def test_a_process_reads_the_files_that_it_imports(tmp_path):
    """A copy of the package in which one module is edited, as a rule and its job see it."""
    shutil.copytree(SOURCE, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    path = tmp_path / "src/quench/dynamics/reference/langevin.py"
    path.write_text(add_code(path.read_text()))
    ask = "import json; from quench.provenance.steps import code;"
    ask += f"print(json.dumps({{step: code(step, 'reference') for step in {STEPS}}}))"
    environment = {"PYTHONPATH": str(tmp_path / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    here = codes()
    assert {step for step, code in json.loads(done.stdout).items() if code != here[step]} == {
        "langevin",
        "annealed",
        "replicas",
    }


def test_relative_import_is_refused(monkeypatch):
    monkeypatch.setattr(fingerprints, "source", lambda name: "\nfrom .survival import first_loss\n")
    with pytest.raises(QuenchError, match="descent: relative import on line 2"):
        fingerprints._syntax.__wrapped__("quench.dynamics.descent")


def test_a_kept_syntax_tree_is_read_for_the_same_text_only_and_where_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "_path", lambda name: tmp_path / "module.py")
    texts = {}
    monkeypatch.setattr(fingerprints, "source", lambda name: texts.get(name, "itself"))
    parsed = []
    monkeypatch.setattr(fingerprints, "digest", lambda text: parsed.append(text) or digest(text))

    def syntax(text):
        texts["m"] = text
        return fingerprints._syntax.__wrapped__("m")

    first = syntax("import quench.theory, numpy\n")
    assert first == (digest("import quench.theory, numpy"), ["quench.theory"])
    assert syntax("import quench.theory, numpy\n") == first and len(parsed) == 1
    assert syntax("import quench.store\n") == (digest("import quench.store"), ["quench.store"]) and len(parsed) == 2
    (kept,) = (tmp_path / "__pycache__").iterdir()
    whole = kept.read_text()
    for damaged in ("", whole[:-1], whole.replace("store", "stors"), whole + "\n", "\0" * 50):
        kept.write_text(damaged)
        assert syntax("import quench.store\n")[1] == ["quench.store"]
        assert kept.read_text() == whole
    kept.write_bytes(b"\xff\xfe")
    assert syntax("import quench.store\n")[1] == ["quench.store"]
    # A newer version of the module that reads syntax trees reads them anew.
    texts[fingerprints.__name__] = "edited"
    assert len(parsed) == 8 and syntax("import quench.store\n") and len(parsed) == 9


def test_a_folder_without_write_permission_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "__pycache__").write_text("a file where the folder would be")
    monkeypatch.setattr(fingerprints, "_path", lambda name: tmp_path / "module.py")
    monkeypatch.setattr(fingerprints, "source", lambda name: "x = 1\n")
    assert fingerprints._syntax.__wrapped__("m") == (digest("x = 1"), [])


def test_missing_module_names_the_nearest():
    with pytest.raises(QuenchError, match=r"did you mean 'quench.figures.kwj.fig3'"):
        fingerprint("quench.figures.kwj.fig33")


def test_fingerprints_import_no_large_library():
    ask = (
        "import sys; from quench.provenance.steps import code; code('langevin', 'reference');"
        "print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
