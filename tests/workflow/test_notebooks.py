"""The notebooks of the documentation run, and store what they print and draw."""

import json
import subprocess
import sys

import pytest
from places import DOCS

pytestmark = pytest.mark.slow


def shown(notebook):
    """The types of what each code cell prints and draws."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [[kind for output in cell["outputs"] for kind in output["data"]] for cell in cells]


@pytest.mark.parametrize("name", ["figure", "glass", "own-run"])
def test_notebook_runs_and_shows_what_it_stores(name, tmp_path):
    source = DOCS / "notebooks" / f"{name}.ipynb"
    stored, copy = json.loads(source.read_text(encoding="utf-8")), tmp_path / "copy.ipynb"
    copy.write_text(json.dumps(stored))
    ended = subprocess.run(
        [sys.executable, DOCS / "notebook.py", copy], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert shown(json.loads(copy.read_text(encoding="utf-8"))) == shown(stored)
    assert any("image/png" in cell for cell in shown(stored))


def test_every_notebook_is_listed():
    page = (DOCS / "notebooks" / "index.md").read_text(encoding="utf-8")
    assert page.partition("maxdepth: 1")[2].split()[:-1] == sorted(
        path.stem for path in (DOCS / "notebooks").glob("*.ipynb")
    )
