"""What no line of the sources does: unpickle data, load unsafe YAML, open archives unchecked, listen, run text as code.

Machine code that numba keeps in ``__pycache__`` (``quench.numerics.compiled``) is code, as Python's own compiled files
beside it are, and none of it comes with data or archives.
"""

import ast

import pytest
from places import ROOT

SOURCES = sorted(
    path for part in ("src", "benchmarks", "docs", "rules") for path in (ROOT / part).rglob("*.py") if path.is_file()
)
PICKLERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
SERVERS = {
    "socketserver",
    "xmlrpc",
    "http.server",
    "wsgiref",
    "flask",
    "tornado",
    "uvicorn",
    "fastapi",
    "aiohttp",
    "dash",
}
LISTENING = {"bind", "listen", "accept", "start_server", "create_server", "serve_forever", "start_unix_server"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}


def faults(source, name="<test>"):
    """``line: what`` for everything in ``source`` that must not be there."""
    found = []
    for node in ast.walk(ast.parse(source, name)):
        for module in _imported(node):
            parts = {module, module.split(".")[0]}
            if parts & PICKLERS:
                found.append(f"{node.lineno}: imports {module}")
            if parts & SERVERS:
                found.append(f"{node.lineno}: imports {module}")
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {told}" for told in _call(node)]
    return found


def _imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return (
        [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, ast.ImportFrom)
        else []
    )


def _call(node):
    called = ast.unparse(node.func)
    last = called.rpartition(".")[2]
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    owner = called.rpartition(".")[0]
    if owner in ("np", "numpy") and last == "load" and given.get("allow_pickle") != "False":
        yield "numpy.load without allow_pickle=False"
    if owner == "torch" and last == "load" and given.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if owner == "pd" and last == "read_pickle":
        yield "read_pickle"
    if owner == "yaml" and last.startswith(("load", "unsafe", "full_load")):
        yield f"yaml.{last}, not safe_load"
    if last in ("extractall", "extract") and given.get("filter") != "'data'":
        yield f"{last} without filter='data'"
    if last in LISTENING:
        yield f"{last}: listens"
    if called in RUNS_TEXT or called in ("os.system", "os.popen", "subprocess.getoutput"):
        yield f"{called}: runs text"
    if given.get("shell") == "True":
        yield "shell=True"


# What these do that is unsafe, and why foreign files cannot use it: tests of their own show it for pickles.
KNOWN = {
    # It runs the notebooks of this repository, and is no part of the package.
    "docs/notebook.py": {"compile: runs text", "eval: runs text", "exec: runs text"},
    # Its Unpickler replaces every name by a stand-in or refuses it (test_layouts).
    "src/quench/data/layouts.py": {"imports pickle"},
    # Machine code of its own, after its checksum is verified (test_compiled).
    "src/quench/numerics/compiled.py": {"imports pickle"},
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_does_what_is_unsafe(path):
    found = faults(path.read_text(encoding="utf-8"), str(path))
    assert {fault.partition(": ")[2] for fault in found} == KNOWN.get(str(path.relative_to(ROOT)), set())


def test_all_sources_are_looked_at():
    assert len(SOURCES) > 150


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch.utils, dill",
        "np.load('a.npz')",
        "np.load('a.npz', allow_pickle=True)",
        "torch.load('a.pt')",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "archive.extractall('.')",
        "archive.extract(entry, '.', filter='fully_trusted')",
        "import http.server",
        "from http import server",
        "sock.bind(('', 80))",
        "asyncio.start_server(answer)",
        "eval(text)",
        "subprocess.run(words, shell=True)",
    ],
)
def test_the_search_finds(source):
    assert len(faults(source)) >= 1


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "rules").glob("*.smk")), ROOT / "Snakefile"], ids=lambda path: path.name
)
def test_rules_have_no_code_blocks_and_load_nothing(path):
    text = path.read_text(encoding="utf-8")
    for word in ("pickle", "yaml.load", "eval(", "exec(", "\n    run:", "\n    script:"):
        assert word not in text
