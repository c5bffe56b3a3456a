"""Sphinx: Markdown pages, a reference made from docstrings, commands and config models, no request to any network."""

import argparse
import importlib
import io
import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import notebook  # noqa: E402

from quench.cli import COMMANDS  # noqa: E402
from quench.report import artifact, gallery  # noqa: E402

project = "quench"
copyright = "the quench developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "mathml"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_math_renderer = "mathml"
html_title = "quench"
html_show_sphinx = False
exclude_patterns = ["_build", "examples"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
nitpicky = False
# Pages are read on a forge too, where links to source files work and those to the reference do not exist.
# Two modules have a class Recorder, each the one that its annotations mean.
suppress_warnings = ["myst.xref_missing", "ref.python"]


def plain_words(app, what, name, obj, options, lines):
    """Docstrings are prose with ``code``: what reStructuredText would read as markup is text there."""
    for index, line in enumerate(lines):
        parts = re.split(r"(``.+?``)", line)
        lines[index] = "".join(
            part if part.startswith("``") else re.sub(r"([\\|*_`])", r"\\\1", part) for part in parts
        )


def write_commands(app):
    """``reference/commands.md``: the help of every command, as it prints it."""
    page = io.StringIO()
    page.write("# Commands\n\nEvery step of the pipeline is one command with explicit files and options.\n")
    for name, told in COMMANDS.items():
        module = importlib.import_module(f"quench.cli.{name.replace('-', '_')}")
        parser = argparse.ArgumentParser(
            prog=f"quench {name}",
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
            description=(module.__doc__ or "").strip(),
        )
        module.add_arguments(parser)
        page.write(f"\n## {name}\n\n{told}\n\n```text\n{parser.format_help()}```\n")
    target = HERE / "reference" / "commands.md"
    if not target.exists() or target.read_text(encoding="utf-8") != page.getvalue():
        target.write_text(page.getvalue(), encoding="utf-8")


def write_artifact(app):
    """``artifact.md``: the command, time and disk space of every figure and claim. It is tracked, for readers on a forge."""
    page = artifact.page(HERE.parent / "config")
    target = HERE / "artifact.md"
    if not target.exists() or target.read_text(encoding="utf-8") != page:
        target.write_text(page, encoding="utf-8")


def write_gallery(app):
    """``gallery.md``, with copies of the pictures that the default scenario has left."""
    target = HERE / "images" / "gallery"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    found = {path.stem: shutil.copy(path, target) for path in (HERE.parent / "results/default/figures").glob("*.png")}
    (HERE / "gallery.md").write_text(gallery.page(HERE.parent / "config", found), encoding="utf-8")


def write_notebooks(app):
    """``notebooks/*.md``: the notebooks with the outputs that they store."""
    for path in (HERE / "notebooks").glob("*.ipynb"):
        text = notebook.page(json.loads(path.read_text(encoding="utf-8")), path.with_suffix(""))
        path.with_suffix(".md").write_text(text, encoding="utf-8")


def setup(app):
    app.connect("autodoc-process-docstring", plain_words)
    app.connect("builder-inited", write_commands)
    app.connect("builder-inited", write_artifact)
    app.connect("builder-inited", write_gallery)
    app.connect("builder-inited", write_notebooks)
