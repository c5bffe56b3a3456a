"""A drawn figure to PDF, PNG and SVG, its caption in their metadata, and no clock time, so that the bytes repeat."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from quench.atomic import atomic
from quench.figures.style import look


def save(figure: Figure, stem: Path, *, title: str, caption: str) -> list[Path]:
    """Write ``stem``.pdf, .png and .svg, each atomically; their paths."""
    paths = []
    metadata = {
        ".pdf": {"Title": title, "Subject": caption, "Creator": "quench", "CreationDate": None},
        ".png": {"Title": title, "Description": caption, "Software": "quench"},
        ".svg": {"Title": title, "Description": caption, "Creator": "quench", "Date": None},
    }
    with look():
        for suffix, words in metadata.items():
            paths.append(stem.with_name(stem.name + suffix))
            with atomic(paths[-1]) as temporary:
                figure.savefig(temporary, metadata=words)
    return paths
