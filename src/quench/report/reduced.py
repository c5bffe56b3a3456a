"""The scenario beside the papers' own: parameters that differ, and figures that it does not draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quench.figures import declared
from quench.report.lineage import lineage
from quench.report.papers import Place, ordered, place

_IMAGES = ("cifar10", "cifar100")
# Keys that decide where and in which order jobs run, and no number.
_PLACEMENT = {"chunk", "device", "threads"}


@dataclass(frozen=True)
class Undrawn:
    """A figure of the papers without a picture here: its words, the command that makes it, and the images it needs first."""

    name: str
    place: Place
    title: str
    command: str
    images: str = ""


@dataclass(frozen=True)
class Difference:
    """A key of a named entry, with its value in the paper's scenario and here; None: not set there."""

    entry: str
    key: str
    paper: Any
    here: Any


def differences(paper: Mapping[str, Any], here: Mapping[str, Any], figures: list[str]) -> list[Difference]:
    """All parameters of the ``figures`` in both scenarios that differ, each once, in the order of the paper's scenario.

    An entry that only one of them has is one row, with the key "entry".
    """
    found: dict[tuple[str, str], Difference] = {}
    for name in figures:
        if name not in (paper.get("figures") or {}):
            continue
        theirs, ours = lineage(paper, name), lineage(here, name)
        for entry in dict.fromkeys([*theirs, *ours]):
            for row in _rows(entry, theirs.get(entry), ours.get(entry)):
                found.setdefault((row.entry, row.key), row)
    return list(found.values())


def _rows(entry: str, paper: Mapping[str, Any] | None, here: Mapping[str, Any] | None) -> list[Difference]:
    if paper is None or here is None:
        return [Difference(entry, "entry", paper and "yes", here and "yes")]
    theirs, ours = dict(flat(paper)), dict(flat(here))
    keys = [key for key in dict.fromkeys([*theirs, *ours]) if key not in _PLACEMENT]
    return [Difference(entry, key, theirs.get(key), ours.get(key)) for key in keys if theirs.get(key) != ours.get(key)]


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys such as ``runs.regularised.chi`` and values of a nested config."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def undrawn(paper: Mapping[str, Any], here: Mapping[str, Any], absent: Sequence[str], command: str) -> list[Undrawn]:
    """Figures without a picture: those of the ``paper``'s scenario that are not ``here``, and those still ``absent``."""
    theirs, ours = paper.get("figures") or {}, here.get("figures") or {}
    found = []
    for name in ordered([*absent, *(one for one in theirs if one not in ours)]):
        module = ((ours.get(name) or theirs.get(name) or {}).get("kind") or name).replace("_", ".", 1)
        title = declared.read(module).title if module in declared.known() else name
        images = "" if name in ours else _images(paper, name)
        overlay = f"snakemake --cores all{' --configfile config/cifar.yaml' if images else ''}"
        found.append(Undrawn(name, place(name), title, with_target(command if name in ours else overlay, name), images))
    return found


def _images(config: Mapping[str, Any], figure: str) -> str:
    sources = (entry.get("source") for entry in lineage(config, figure).values())
    return next((source for source in sources if source in _IMAGES), "")


def with_target(command: str, target: str) -> str:
    """``snakemake TARGET --configfile ...``: a target after that option would count as a file."""
    program, _, options = command.partition(" ")
    return f"{program} {target} {options}".rstrip()
