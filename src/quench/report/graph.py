"""The pipeline as a picture: one box a stage, which is a folder of results, and an arrow where one stage reads another."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from quench.report.provenance import Spent, duration


class Stage(NamedTuple):
    """A box: its words, its column (0 to 3) and row, and the stages that it reads."""

    label: str
    column: float
    row: int
    reads: tuple[str, ...] = ()


# By folder under results/<scenario>/; a test holds this beside Snakemake's own graph of the rules.
STAGES = {
    "data": Stage("dataset", 1, 0),
    "images": Stage("images", 3, 0),
    "scans": Stage("phase diagram", 0, 1, ("data",)),
    "pretrained": Stage("networks in a basin", 1, 1, ("data",)),
    "classifiers": Stage("trained classifiers", 3, 1, ("images",)),
    "snapshots": Stage("measured dynamics", 1, 2, ("data", "pretrained")),
    "drift": Stage("gradient descent", 3, 2, ("images", "classifiers")),
    "mobility": Stage("single weights", 0, 3, ("data", "snapshots")),
    "observables": Stage("observables", 1, 3, ("snapshots",)),
    "glass": Stage("p-spin glass", 2, 3),
    "external": Stage("your recorded runs", 2, 2),
    "flatness": Stage("Hessian spectra", 3, 3, ("images", "classifiers")),
    "figures": Stage(
        "figures",
        1.5,
        4,
        ("pretrained", "observables", "scans", "mobility", "glass", "classifiers", "flatness", "drift", "external"),
    ),
    "claims": Stage("claims", 1, 5, ("figures",)),
    "report": Stage("report", 2, 5, ("figures", "claims")),
}
# Sizes in pixels: boxes, distances from one to the next, the picture's margin, an arrow's tip, and how far the lanes of
# arrows that pass other boxes lie from the middle of the gap between two columns.
WIDTH, HEIGHT, PITCH, DROP, EDGE, TIP, LANE = 156, 46, 188, 92, 14, 2, 6


def edges(present: Mapping[str, object]) -> list[tuple[str, str]]:
    """Pairs (read, reader) among the stages that a scenario has."""
    return [
        (source, name)
        for name, stage in STAGES.items()
        for source in stage.reads
        if name in present and source in present
    ]


def drawing(spent: Mapping[str, Spent]) -> str:
    """The picture as SVG text for an HTML page, in the page's own colours; ``spent`` by stage; others are left out."""
    lines = [_arrow(source, reader, spent) for source, reader in edges(spent)]
    boxes = [_box(name, spent[name]) for name in STAGES if name in spent]
    width, height = 4 * PITCH, 6 * DROP
    words = ", ".join(f"{STAGES[a].label} to {STAGES[b].label}" for a, b in edges(spent))
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="The pipeline: {escape(words)}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>' + "".join([*lines, *boxes]) + "</svg>"
    )


def _centre(name: str) -> float:
    return (STAGES[name].column + 0.5) * PITCH


def _top(name: str) -> float:
    return STAGES[name].row * DROP + EDGE


def _half(name: str) -> float:
    """Half the width of a box; the figures' spans the picture, so that every arrow reaches it from above."""
    return (3 * PITCH + WIDTH) / 2 if name == "figures" else WIDTH / 2


def _arrow(source: str, reader: str, present: Mapping[str, Spent]) -> str:
    """From the foot of one box to the head of the other; round the boxes that stand between, through a gap."""
    x0, y0 = _centre(source), _top(source) + HEIGHT
    x1, y1 = _centre(reader), _top(reader) - TIP
    if STAGES[source].row == STAGES[reader].row:
        return _edge(f"M{x0 + _half(source)} {y0 - HEIGHT / 2}H{x1 - _half(reader) - TIP}")
    # A wide box is left and reached straight above and below the other one.
    if _half(reader) > abs(x1 - x0):
        x1 = x0
    if _half(source) > abs(x1 - x0):
        x0 = x1
    if not _passes(source, reader, x0, present):
        middle = (y0 + y1) / 2
        return _edge(f"M{x0} {y0}C{x0} {middle} {x1} {middle} {x1} {y1}")
    wide = reader == "figures"
    rightward = STAGES[reader].column > STAGES[source].column
    lane = x0 + (PITCH if rightward else -PITCH) / 2 + (LANE if wide else -LANE)
    turn = y0 + DROP - HEIGHT
    way = f"M{x0} {y0}C{x0} {(y0 + turn) / 2} {lane} {(y0 + turn) / 2} {lane} {turn}"
    if wide:
        return _edge(f"{way}V{y1}")
    last = y1 - DROP + HEIGHT
    return _edge(f"{way}V{last}C{lane} {(last + y1) / 2} {x1} {(last + y1) / 2} {x1} {y1}")


def _edge(way: str) -> str:
    return f'<path class="edge" d="{way}" marker-end="url(#tip)"/>'


def _passes(source: str, reader: str, x: float, present: Mapping[str, Spent]) -> bool:
    """Whether a straight way down from ``source`` would cross another box."""
    between = range(STAGES[source].row + 1, STAGES[reader].row)
    return any(STAGES[name].row in between and abs(_centre(name) - x) < _half(name) for name in present)


def _box(name: str, spent: Spent) -> str:
    stage, half = STAGES[name], _half(name)
    x, y, centre = _centre(name) - half, _top(name), _centre(name)
    note = f"{spent.jobs} job{'s' * (spent.jobs != 1)}" if spent.jobs else ""
    if spent.seconds:
        note += f" · {duration(spent.seconds)}"
    return (
        f'<g class="stage"><rect x="{x}" y="{y}" width="{2 * half}" height="{HEIGHT}" rx="8"/>'
        f'<text x="{centre}" y="{y + (20 if note else 28)}">{escape(stage.label)}</text>'
        f'<text class="note" x="{centre}" y="{y + 36}">{escape(note)}</text></g>'
    )
