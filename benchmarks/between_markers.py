"""The tables that a benchmark measured, in the page that shows them."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, markers: tuple[str, str], report: str) -> None:
    """Replace what stands between the two ``markers`` in the file at ``path`` by ``report``."""
    begin, end = markers
    text = path.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    path.write_text(f"{before}{begin}\n{report}\n{end}{after}", encoding="utf-8")
