"""Machine code that is kept between processes is never stale, and any installation can keep it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core import caching, ccallback

from quench.numerics import compiled

PACKAGE = Path(compiled.__file__).parents[1]

_CALLER = """
from quench.callee import scaled
from quench.numerics.compiled import compiled, entry_point


@compiled
def answer(x):
    return scaled(x) + 1
"""
_CALLEE = """
from quench.numerics.compiled import compiled


@compiled
def scaled(x):
    return {factor} * x
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of the same name with two modules, of which one compiles calls of the other."""
    root = tmp_path / "site" / "quench"
    root.mkdir(parents=True)
    for name in ("numerics", "provenance", "runtime"):
        shutil.copytree(PACKAGE / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "errors.py", root / "errors.py")
    (root / "__init__.py").write_text("")
    (root / "caller.py").write_text(_CALLER)
    (root / "callee.py").write_text(_CALLEE.format(factor=2))
    return root


def environment(package: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    return inherited | {"PYTHONPATH": str(package.parent), "XDG_CACHE_HOME": str(package.parent / "user")} | settings


COMMAND = [
    sys.executable,
    "-c",
    "from quench.caller import answer; print(answer(10), sum(answer.stats.cache_hits.values()))",
]


def run(package: Path, **settings: str) -> tuple[int, int]:
    """The answer, and whether it came from kept machine code."""
    done = subprocess.run(COMMAND, env=environment(package, **settings), capture_output=True, text=True, check=True)
    answer, hits = done.stdout.split()
    return int(answer), int(hits)


def test_private_classes_of_numba_have_the_methods_that_are_overridden_or_called():
    """The range of versions in pyproject.toml ends before the next release, which may move them."""
    methods = {
        caching.IndexDataCacheFile: "load save flush _dump _open_for_write",
        caching.FunctionCache: "enable _index_key",
        caching.CompileResultCacheImpl: "reduce rebuild check_cachable",
        ccallback.CFunc: "compile",
    }
    for owner, names in methods.items():
        assert all(callable(getattr(owner, name)) for name in names.split()), owner
    assert hasattr(numba.njit(lambda: 0), "_cache")


def test_an_edit_of_a_callee_in_another_module_is_seen(package):
    assert run(package) == (21, 0)
    assert run(package) == (21, 1)
    (package / "callee.py").write_text(_CALLEE.format(factor=3))
    assert run(package) == (31, 0)
    assert run(package) == (31, 1)
    # The old text finds the old machine code again; comments and layout change nothing.
    (package / "callee.py").write_text("# a comment\n" + _CALLEE.format(factor=2))
    assert run(package) == (21, 1)


@pytest.mark.slow
def test_another_processor_gets_code_of_its_own(package):
    assert run(package) == (21, 0)
    assert run(package, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == (21, 0)
    assert run(package) == (21, 1)


@pytest.mark.slow
def test_code_lies_in_the_package_or_in_the_folder_that_the_user_names(package, tmp_path):
    run(package)
    assert list((package / "__pycache__" / "compiled").glob("quench.caller.answer-*.machine"))
    assert not (package.parent / "user").exists()
    wanted = tmp_path / "wanted"
    assert run(package, NUMBA_CACHE_DIR=str(wanted)) == (21, 0)
    assert list(wanted.glob("quench.caller.answer-*.machine"))


def test_an_installation_that_cannot_be_written_uses_the_folder_of_the_user(package):
    # A file of that name also stops root, whom permissions do not.
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "compiled").write_text("")
    assert run(package) == (21, 0)
    assert run(package) == (21, 1)
    assert list((package.parent / "user" / "quench" / "compiled").glob("quench.caller.answer-*.machine"))


@pytest.mark.slow
def test_without_a_writable_folder_code_is_compiled_every_time(package):
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "compiled").write_text("")
    (package.parent / "user").write_text("")
    assert run(package) == (21, 0)
    assert run(package) == (21, 0)


@pytest.mark.slow
def test_code_compiled_earlier_is_read_from_an_installation_that_cannot_be_written(package):
    """As in a container image: the code lies in the package, and the user has no folder."""
    run(package)
    (package.parent / "user").write_text("")
    assert run(package) == (21, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_files_cut_short_are_compiled_again(package, kept):
    run(package)
    for path in (package / "__pycache__" / "compiled").glob("*.machine"):
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content))])
    assert run(package) == (21, 0)
    assert run(package) == (21, 1)


def test_no_damaged_code_is_executed(package):
    """Any flipped bit, and code under the name of other code, is compiled again."""
    run(package)
    folder = package / "__pycache__" / "compiled"
    (path,) = folder.glob("quench.caller.answer-*.machine")
    (callee,) = folder.glob("quench.callee.scaled-*.machine")
    content = path.read_bytes()
    constant = content.index(b"\x7fELF") + 1000
    for place in (0, 31, 32, constant, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert run(package) == (21, 0)
    shutil.copy(callee, path)
    assert run(package) == (21, 0)
    assert run(package) == (21, 1)


@pytest.mark.slow
def test_processes_that_compile_at_once_agree(package):
    settings = {"env": environment(package), "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(COMMAND, **settings) for _ in range(4)]
    assert [process.communicate(timeout=120)[0].split()[0] for process in processes] == ["21"] * 4
    assert run(package) == (21, 1)


def test_no_home_means_no_folder_of_the_user(monkeypatch):
    monkeypatch.setattr(compiled.numba.config, "CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert compiled.folders() == [PACKAGE / "__pycache__" / "compiled"]


def test_arithmetic_is_that_of_ieee():
    from quench.numerics.random import fill_uniforms, philox

    assert fill_uniforms.targetoptions["error_model"] == "numpy"
    assert fill_uniforms.targetoptions["nogil"]
    assert not fill_uniforms.targetoptions.get("fastmath")
    assert philox.targetoptions["forceinline"]
