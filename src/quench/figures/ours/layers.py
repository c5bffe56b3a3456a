"""Overlap and fluctuation-dissipation ratio layer by layer: liquid and solid layers.

Needs ``response``: Langevin runs; ``temperatures``: the one that is shown.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.ours import responses

NEEDS = {"response": 1}
LABEL = "Layers"
TITLE = "Liquid and solid layers"
CAPTION = (
    "Each layer alone at the temperature of the title and the oldest t_w, from the input (dark) to the output (bright), "
    "means over networks with 95 % intervals. Top: overlap Q. Bottom: X = 2 T chi/MSD, which is 1 where the noise alone "
    "moves the weights. All layers share one overlap length."
)
MEANS = responses.MEANS


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Q and X by layer (panel, temperature, waiting_time, lag, layer), with their intervals."""
    numbers = responses.stacked(inputs)
    kept = [name for name in numbers if str(name).startswith("layer") or name in ("ratio_mean", "n_networks", "chi")]
    return numbers[kept]


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), rows=2)
    for column, name in zip(axes.T, names, strict=True):
        one = responses.oldest(numbers.sel(panel=name)).isel(temperature=0)
        for ax, quantity in zip(column, ("layer_overlap", "layer_ratio"), strict=True):
            _curves(ax, one, quantity)
        column[0].set(ylabel="$Q$", ylim=(0, 1.02))
        column[1].set(ylabel="$X$", xlabel="$t$ (updates)", ylim=(-0.05, 1.3))
        column[1].axhline(1, **style.GUIDE)
        column[0].set_title(rf"{title(name)}, $T$ = {style.power(float(one['temperature']))}")
    style.outer_labels(axes)
    axes[0, 0].legend(title="layer", loc="lower left", ncols=2)
    return style.finish(figure, axes.flat, numbers)


def _curves(ax: Axes, one: xr.Dataset, quantity: str) -> None:
    one = responses.even(one)
    colors = mpl.colormaps["viridis"](np.linspace(0, 0.88, one.sizes["layer"]))
    for row, color in enumerate(colors):
        style.curve(ax, one["lag"].values, one.isel(layer=row), quantity, color, label=str(one["layer"].values[row]))
    ax.set_xscale("log")
