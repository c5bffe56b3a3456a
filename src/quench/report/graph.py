"""Picture of the pipeline: one box per folder of results, and an arrow where the jobs of one folder read another."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from quench.pipeline.stages import STAGES
from quench.report.provenance import Spent, duration


class Box(NamedTuple):
    """A box: its words, its column (0 to 3) and row, and the folders that its stages read."""

    label: str
    column: float
    row: int
    reads: tuple[str, ...]


def _boxes() -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    for stage in STAGES.values():
        before = boxes[stage.folder].reads if stage.folder in boxes else ()
        reads = dict.fromkeys((*before, *(STAGES[rule].folder for rule in stage.reads)))
        boxes[stage.folder] = Box(stage.label, *stage.place, tuple(reads))
    return boxes


# By folder below results/<scenario>.
BOXES = _boxes()
# Sizes in pixels: boxes, distances between them, the margin of the picture, the tip of an arrow, and the distance of the
# lanes of arrows that pass other boxes from the middle of the gap between two columns.
WIDTH, HEIGHT, PITCH, DROP, EDGE, TIP, LANE = 156, 46, 188, 92, 14, 2, 6


def edges(present: Mapping[str, object]) -> list[tuple[str, str]]:
    """Pairs (read, reader) among the folders that a scenario has."""
    return [
        (source, name) for name, box in BOXES.items() for source in box.reads if name in present and source in present
    ]


def drawing(spent: Mapping[str, Spent]) -> str:
    """The picture as SVG text for an HTML page, in the page's colours, of the folders in ``spent``."""
    lines = [_arrow(source, reader, spent) for source, reader in edges(spent)]
    boxes = [_box(name, spent[name]) for name in BOXES if name in spent]
    width, height = 4 * PITCH, 6 * DROP
    words = ", ".join(f"{BOXES[a].label} to {BOXES[b].label}" for a, b in edges(spent))
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="The pipeline: {escape(words)}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>' + "".join([*lines, *boxes]) + "</svg>"
    )


def _centre(name: str) -> float:
    return (BOXES[name].column + 0.5) * PITCH


def _top(name: str) -> float:
    return BOXES[name].row * DROP + EDGE


def _half(name: str) -> float:
    """Half the width of a box; that of the figures spans the picture, so that every arrow reaches it from above."""
    return (3 * PITCH + WIDTH) / 2 if name == "figures" else WIDTH / 2


def _arrow(source: str, reader: str, present: Mapping[str, Spent]) -> str:
    """From the bottom of one box to the top of the other, through a gap where boxes stand between."""
    x0, y0 = _centre(source), _top(source) + HEIGHT
    x1, y1 = _centre(reader), _top(reader) - TIP
    if BOXES[source].row == BOXES[reader].row:
        return _edge(f"M{x0 + _half(source)} {y0 - HEIGHT / 2}H{x1 - _half(reader) - TIP}")
    # Arrows leave and reach a wide box straight above or below the other box.
    if _half(reader) > abs(x1 - x0):
        x1 = x0
    if _half(source) > abs(x1 - x0):
        x0 = x1
    if not _passes(source, reader, x0, present):
        middle = (y0 + y1) / 2
        return _edge(f"M{x0} {y0}C{x0} {middle} {x1} {middle} {x1} {y1}")
    wide = reader == "figures"
    rightward = BOXES[reader].column > BOXES[source].column
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
    """Whether a straight line down from ``source`` would cross another box."""
    between = range(BOXES[source].row + 1, BOXES[reader].row)
    return any(BOXES[name].row in between and abs(_centre(name) - x) < _half(name) for name in present)


def _box(name: str, spent: Spent) -> str:
    box, half = BOXES[name], _half(name)
    x, y, centre = _centre(name) - half, _top(name), _centre(name)
    note = f"{spent.jobs} job{'s' * (spent.jobs != 1)}" if spent.jobs else ""
    if spent.seconds:
        note += f" · {duration(spent.seconds)}"
    return (
        f'<g class="stage"><rect x="{x}" y="{y}" width="{2 * half}" height="{HEIGHT}" rx="8"/>'
        f'<text x="{centre}" y="{y + (20 if note else 28)}">{escape(box.label)}</text>'
        f'<text class="note" x="{centre}" y="{y + 36}">{escape(note)}</text></g>'
    )
