"""The gallery: every figure of the default scenario with its caption, its command and, where it was drawn, its picture."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from quench.config.scenario import load_files
from quench.figures import declared
from quench.report.papers import ordered, place

_INTRODUCTION = """\
# Gallery

Every figure of the default scenario. `snakemake NAME` draws one, with all that it needs, into `results/default/figures`.
Pictures are those of the results that were there when these pages were built: `make`, then `make docs`.
"""


def page(config: Path, pictures: Collection[str], folder: str = "images/gallery") -> str:
    """The gallery in Markdown, from the scenario in ``config``; ``pictures``: names of the PNG files in ``folder``."""
    scenario = load_files([config / "config.yaml"])
    parts, group = [_INTRODUCTION], ""
    for name in ordered(list(scenario.figures)):
        where, told = place(name), declared.read(scenario.figures[name].module(name))
        if where.paper.name != group:
            group = where.paper.name
            parts.append(f"## {group}\n")
        picture = f"![{told.title}]({folder}/{name}.png)\n\n" if name in pictures else ""
        heading = f"### {where.label}: {told.title}\n\n{picture}"
        parts.append(f"{heading}{told.caption}\n\n```text\nsnakemake {name}\n```\n")
    return "\n".join(parts)
