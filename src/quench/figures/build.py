"""Build a figure: plotted numbers with their names and units, and the picture in several formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style, vocabulary
from quench.figures.figure_inputs import FigureInputs
from quench.networks.trivial import noted
from quench.runtime.atomic import atomic

FORMATS = (".pdf", ".png", ".svg")


def numbers(module: ModuleType, inputs: FigureInputs) -> xr.Dataset:
    """The plotted numbers of a figure's ``module``, with long names, units, caption and scale label."""
    # Attributes of a quantity do not hold for another one that is derived from it.
    with xr.set_options(keep_attrs=False):  # type: ignore[no-untyped-call]
        plotted = module.compute(inputs)
    described = vocabulary.described(plotted, getattr(module, "MEANS", {}))
    label = " · ".join(filter(None, (inputs.scale_label(), *trivial(inputs))))
    return described.assign_attrs(scale_label=label, caption=module.CAPTION)


def trivial(inputs: FigureInputs) -> list[str]:
    """Runs and ensembles of a figure with networks in the trivial phase, and how many these are."""
    found = {name: parts[0]["sigma"].values for name, parts in inputs.of("runs").items() if "sigma" in parts[0]}
    for name, parts in inputs.of("ensembles").items():
        found[name] = np.concatenate([part["weights"].std("weight").values for part in parts])
    notes = {name: noted(sigma) for name, sigma in found.items()}
    return [f"{name}: {note}" for name, note in notes.items() if note]


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
