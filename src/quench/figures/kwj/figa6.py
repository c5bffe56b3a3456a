"""KWJ Fig. A6: time-temperature superposition in the phases without regularisation, one panel a run.

Needs ``runs``: Langevin runs; ``fit``: the window of t / tau90 for the exponents.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj import collapse
from quench.figures.kwj.panels import panel, title
from quench.figures.stacking import joined

NEEDS = {"runs": 1}
TITLE = "Time-temperature superposition without regularisation"
CAPTION = (
    "Overlap against t/tau90 as in Fig. 4(a), from hot (red) to cold (blue). Dashed: free Brownian weights, no free "
    "parameter. Open circles: where a curve leaves that line for good by more than 15 %."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """Numbers of the collapse of every run along ``panel``."""
    parts = [collapse.numbers(inputs, name).expand_dims(panel=[name]) for name in inputs.runs]
    return joined(parts, "panel").sortby("temperature", ascending=False)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), height=3.3, width=3.7)
    for ax, name in zip(axes.flat, names, strict=True):
        collapse.draw(ax, panel(numbers, name))
        ax.set_title(title(name))
    style.letters(axes.flat)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure
