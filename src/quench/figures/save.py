"""A drawn figure to PDF, PNG and SVG, its caption in their metadata, and no clock time, so that the bytes repeat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from quench.figures.style import look
from quench.runtime.atomic import atomic


def save(
    figure: Figure, stem: Path, *, title: str, caption: str, forms: Sequence[str] = (".pdf", ".png", ".svg")
) -> list[Path]:
    """Write ``stem``.pdf, .png and .svg, or those of them that ``forms`` names, each atomically; their paths."""
    paths = [stem.with_name(stem.name + suffix) for suffix in forms]
    metadata = {
        ".pdf": {"Title": title, "Subject": caption, "Creator": "quench", "CreationDate": None},
        ".png": {"Title": title, "Description": caption, "Software": "quench"},
        ".svg": {"Title": title, "Description": caption, "Creator": "quench", "Date": None},
    }
    with look():
        for path, suffix in zip(paths, forms, strict=True):
            with atomic(path) as temporary:
                figure.savefig(temporary, metadata=metadata[suffix])
    return paths
