"""Build a figure: plotted numbers with their names and units, and the picture in several formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style, vocabulary
from quench.figures.figure_inputs import FigureInputs
from quench.runtime.atomic import atomic

FORMATS = (".pdf", ".png", ".svg")


def numbers(module: ModuleType, inputs: FigureInputs) -> xr.Dataset:
    """The plotted numbers of a figure's ``module``, with long names, units, caption and scale label."""
    # Attributes of a quantity do not hold for another one that is derived from it.
    with xr.set_options(keep_attrs=False):  # type: ignore[no-untyped-call]
        plotted = module.compute(inputs)
    described = vocabulary.described(plotted, getattr(module, "MEANS", {}))
    return described.assign_attrs(scale_label=inputs.scale_label(), caption=module.CAPTION)


def draw(module: ModuleType, plotted: xr.Dataset, stem: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Draw ``plotted`` (from ``numbers``) and write one file per format; returns the paths."""
    with style.applied():
        figure = module.draw(plotted)
    label = plotted.attrs["scale_label"]
    caption = f"{module.CAPTION} ({label})" if label else module.CAPTION
    return save(figure, stem, title=f"{stem.name}: {module.TITLE}", caption=caption, formats=formats)


def save(figure: Figure, stem: Path, *, title: str, caption: str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write ``stem``.pdf, .png and .svg, each atomically; returns the paths.

    Title and caption go into the metadata, and no clock time, so that the bytes are reproducible.
    """
    metadata = {
        ".pdf": {"Title": title, "Subject": caption, "Creator": "quench", "CreationDate": None},
        ".png": {"Title": title, "Description": caption, "Software": "quench"},
        ".svg": {"Title": title, "Description": caption, "Creator": "quench", "Date": None},
    }
    paths = [stem.with_name(stem.name + suffix) for suffix in formats]
    with style.applied():
        style.lay_out(figure)
        for path in paths:
            with atomic(path) as temporary:
                figure.savefig(temporary, metadata=metadata[path.suffix])
    return paths
