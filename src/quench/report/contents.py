"""Contents of the report page of one scenario, read from its folder of results."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from quench.claims.judge import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED
from quench.config.base import Section, references, tables
from quench.config.sections import Figure, Scenario
from quench.errors import QuenchError
from quench.report import provenance, svg
from quench.report.papers import PAPERS, Paper, Place, ordered, place
from quench.report.signatures import SIGNATURES, SYSTEMS, Evidence
from quench.store import files

VERDICTS = {"yes": REPRODUCED, "no": NOT_REPRODUCED, "open": INCONCLUSIVE}


@dataclass(frozen=True)
class Shown:
    """A figure: its ``name`` in the config, place in the papers, words, picture, plotted numbers and parameters."""

    name: str
    place: Place
    title: str
    caption: str
    scale: str
    picture: svg.Picture
    data: str
    data_bytes: int
    fingerprint: str
    parameters: str
    command: str
    claims: tuple[dict[str, Any], ...]
    numbers: xr.Dataset


@dataclass(frozen=True)
class Contents:
    """All contents of one scenario."""

    scenario: str
    scale: str
    config: dict[str, Any]
    figures: tuple[Shown, ...]
    absent: tuple[str, ...]
    claims: tuple[dict[str, Any], ...]
    spent: dict[str, provenance.Spent]

    def by_paper(self) -> dict[Paper, dict[str, list[Shown]]]:
        """Figures by paper and section, in their order."""
        papers: dict[Paper, dict[str, list[Shown]]] = {}
        for figure in self.figures:
            papers.setdefault(figure.place.paper, {}).setdefault(figure.place.section, []).append(figure)
        return papers

    def counts(self, paper: str | None = None) -> dict[str, int]:
        """Claims by verdict, of one paper or of all."""
        rows = [row for row in self.claims if paper in {None, row["paper"]}]
        return {key: sum(row["mark"] == key for row in rows) for key in VERDICTS}

    def signatures(self) -> list[dict[str, Any]]:
        """Rows of the glass-against-network table: each cell a list of evidence with its reading.

        A reproduced claim is evidence for or against a glass; any other is shown as not reproduced or open.
        """
        verdicts = {row["id"]: row["mark"] for row in self.claims}

        def cell(evidence: tuple[Evidence, ...]) -> list[dict[str, str]]:
            readings = {"yes": ("unlike", "like"), "no": ("no", "no"), "open": ("open", "open")}
            return [
                {"claim": one.claim, "words": one.words, "reading": readings[verdicts[one.claim]][one.like]}
                for one in evidence
                if one.claim in verdicts
            ]

        return [
            {
                "name": row.name,
                "glass": row.glass,
                "cells": {key: cell(row.evidence.get(key, ())) for key in SYSTEMS},
            }
            for row in SIGNATURES
        ]


def gather(results: Path, config: Mapping[str, Any] | None = None, command: str = "snakemake") -> Contents:
    """Contents of a folder of results; ``config`` is the resolved one, by default that in the folder.

    ``command`` is the Snakemake call that makes this scenario, without a target. Raises ``QuenchError`` for a folder
    without results, and for damaged files; figures that are not drawn yet are listed in ``absent``.
    """
    config = _named(config or _config(results))
    claims = _claims(results / "claims.json")
    figures, absent = [], []
    for name in ordered(list(config.get("figures") or {})):
        if all((results / "figures" / f"{name}{form}").exists() for form in (".svg", ".nc")):
            figures.append(_shown(results, name, config, claims, command))
        else:
            absent.append(name)
    return Contents(
        scenario=config.get("scenario", results.name),
        scale=config.get("scale", "reduced"),
        config=config,
        figures=tuple(figures),
        absent=tuple(absent),
        claims=tuple(claims),
        spent=provenance.spent(results, config),
    )


def _config(results: Path) -> dict[str, Any]:
    path = results / "config.yaml"
    try:
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return config
    except FileNotFoundError:
        raise QuenchError(f"{results}: no results of a scenario (no config.yaml)") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise QuenchError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from None


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` without its null entries, which an overlay dropped."""
    named = dict(config)
    for table in tables(Scenario):
        named[table] = {name: entry for name, entry in (config.get(table) or {}).items() if entry is not None}
    return named


def _claims(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        marks = {verdict: key for key, verdict in VERDICTS.items()}
        ranks = {paper.key: rank for rank, paper in enumerate(PAPERS)}
        marked = [row | {"mark": marks[row["verdict"]]} for row in rows]
        return sorted(marked, key=lambda row: ranks.get(row["paper"], len(ranks)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise QuenchError(f"{path}: not a list of claims ({error}); delete it and run again") from None


def _shown(results: Path, name: str, config: dict[str, Any], claims: list[dict[str, Any]], command: str) -> Shown:
    stem = results / "figures" / name
    picture = svg.picture(stem.with_suffix(".svg"))
    numbers = files.read(stem.with_suffix(".nc"), kind="figure")
    content = stem.with_suffix(".nc").read_bytes()
    return Shown(
        name=name,
        place=place(name),
        title=picture.title.partition(": ")[2] or name,
        caption=numbers.attrs.get("caption", ""),
        scale=plain(numbers.attrs.get("scale_label", "")),
        picture=picture,
        data=svg.download(content),
        data_bytes=len(content),
        fingerprint=numbers.attrs.get("code_fingerprint", ""),
        parameters=yaml.safe_dump(lineage(config, name), sort_keys=False, allow_unicode=True, width=88),
        command=_with_target(command, name),
        claims=tuple(row for row in claims if name in row.get("reads", "").split()),
        numbers=numbers,
    )


def _with_target(command: str, target: str) -> str:
    """``snakemake TARGET --configfile ...``: a target after that option would count as a file."""
    program, _, options = command.partition(" ")
    return f"{program} {target} {options}".rstrip()


def lineage(config: Mapping[str, Any], figure: str) -> dict[str, Any]:
    """The part of a resolved config that a figure depends on: its entry and all entries to which this leads.

    Keys that are not set are left out.
    """
    sections = tables(Scenario)
    found: dict[str, Any] = {f"figures.{figure}": _set(config["figures"][figure])}
    waiting: list[tuple[type[Section], Mapping[str, Any]]] = [(Figure, config["figures"][figure])]
    while waiting:
        section, entry = waiting.pop(0)
        for key, known in references(section).items():
            names = entry.get(key) or ()
            for name, table in itertools.product([names] if isinstance(names, str) else names, known):
                target = (config.get(table) or {}).get(name)
                if target is not None and f"{table}.{name}" not in found:
                    found[f"{table}.{name}"] = _set(target)
                    waiting.append((sections[table], target))
    return found


def _set(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in (None, [], (), {})}


def plain(text: str) -> str:
    """A line of matplotlib's mathematical text without its dollar signs."""
    return text.replace("$", "")
