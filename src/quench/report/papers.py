"""The papers, and the place of every figure in them: sections and labels as the figures' modules declare them."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from quench.figures import declared


class Paper(NamedTuple):
    """A group of figures: ``key`` in claims and, in small letters, before the underscore of a figure's name; ``name`` and
    ``title`` for the reader, and the ``address`` of a published paper."""

    key: str
    name: str
    title: str
    address: str = ""


class Place(NamedTuple):
    """A figure's paper, section (may be empty) and label."""

    paper: Paper
    section: str
    label: str


OWN = Paper("own", "Your own", "Figures of your own runs and experiments")
PAPERS = (
    Paper(
        "KWJ",
        "Kerr Winter & Janssen 2024",
        "Glassy dynamics in deep neural networks: a structural comparison",
        "https://arxiv.org/abs/2405.13098",
    ),
    Paper(
        "BJ",
        "Baity-Jesi et al. 2018",
        "Comparing dynamics: deep neural networks versus glassy systems",
        "https://arxiv.org/abs/1803.06969",
    ),
    Paper("theory", "Theory", "The glass itself: p-spin model and mode-coupling theory"),
    Paper("ours", "Beyond both papers", "Questions that neither paper asks"),
    OWN,
)
_FURTHER = "Further figures"


def place(figure: str) -> Place:
    """The place of a figure of the config, by its name: declared by its module, else at the end of its group.

    The group is the paper before the underscore; a figure of any other name is the user's own.
    """
    prefix, _, name = figure.partition("_")
    paper = next((paper for paper in PAPERS if paper.key.lower() == prefix), OWN)
    figures = _figures(paper)
    found = figures.get(name)
    rest = _FURTHER if any(one.section for one in figures.values()) else ""
    return Place(paper, (found and found.section) or rest, (found and found.label) or name.replace("_", " "))


def ordered(figures: list[str]) -> list[str]:
    """Figures by paper, section and number; those without a declared place come last, by name."""

    def rank(figure: str) -> tuple[Any, ...]:
        where = place(figure)
        known = _figures(where.paper)
        sections = [*dict.fromkeys(one.section for one in known.values()), _FURTHER]
        names = [*known, name := figure.partition("_")[2]]
        return PAPERS.index(where.paper), sections.index(where.section), names.index(name), figure

    return sorted(figures, key=rank)


@functools.cache
def _figures(paper: Paper) -> dict[str, declared.Declared]:
    """Declarations of a paper's figures by their names in it: the numbered ones first, then by name."""
    prefix = f"{paper.key.lower()}."
    names = [figure.removeprefix(prefix) for figure in declared.known() if figure.startswith(prefix)]

    def rank(name: str) -> tuple[bool, list[Any]]:
        return not name.startswith("fig"), [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    return {name: declared.read(prefix + name) for name in sorted(names, key=rank)}
