"""Contents of the report page of one scenario, read from its folder of results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from quench.claims.judge import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED
from quench.config.base import tables
from quench.config.sections import Scenario
from quench.errors import QuenchError
from quench.report import downloads, provenance, svg
from quench.report.lineage import lineage
from quench.report.papers import PAPERS, Paper, Place, ordered, place
from quench.report.reduced import Difference, Undrawn, differences, undrawn, with_target
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
    tables: str  # empty where they are large
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
    undrawn: tuple[Undrawn, ...]
    absent: tuple[str, ...]
    reductions: tuple[Difference, ...]
    claims: tuple[dict[str, Any], ...]
    spent: dict[str, provenance.Spent]

    def by_paper(self) -> dict[Paper, dict[str, list[Shown | Undrawn]]]:
        """Figures by paper and section, in their order."""
        known: dict[str, Shown | Undrawn] = {figure.name: figure for figure in self.figures}
        known |= {figure.name: figure for figure in self.undrawn}
        papers: dict[Paper, dict[str, list[Shown | Undrawn]]] = {}
        for name in ordered(list(known)):
            where = known[name].place
            papers.setdefault(where.paper, {}).setdefault(where.section, []).append(known[name])
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


def gather(
    results: Path,
    config: Mapping[str, Any] | None = None,
    command: str = "snakemake",
    paper: Mapping[str, Any] | None = None,
) -> Contents:
    """Contents of a folder of results; ``config`` is the resolved one, by default that in the folder.

    ``command`` is the Snakemake call that makes this scenario, without a target; ``paper`` the resolved config of the
    papers' own scale, with which this one is compared. Raises ``QuenchError`` for a folder
    without results, and for damaged files; figures that are not drawn yet are listed in ``absent``.
    """
    config = _named(config or _config(results))
    paper = paper or {}
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
        undrawn=tuple(undrawn(paper, config, absent, command)),
        absent=tuple(absent),
        reductions=tuple(differences(paper, config, [figure.name for figure in figures])),
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
    tables = downloads.tables(numbers)
    return Shown(
        name=name,
        place=place(name),
        title=picture.title.partition(": ")[2] or name,
        caption=numbers.attrs.get("caption", ""),
        scale=plain(numbers.attrs.get("scale_label", "")),
        picture=picture,
        data=svg.download(content),
        data_bytes=len(content),
        tables=svg.download(tables, "application/zip") if len(tables) <= downloads.LARGE else "",
        fingerprint=numbers.attrs.get("code_fingerprint", ""),
        parameters=yaml.safe_dump(lineage(config, name), sort_keys=False, allow_unicode=True, width=88),
        command=with_target(command, name),
        claims=tuple(row for row in claims if name in row.get("reads", "").split()),
        numbers=numbers,
    )


def plain(text: str) -> str:
    """A line of matplotlib's mathematical text without its dollar signs."""
    return text.replace("$", "")
