"""KWJ Fig. A4: tau_e against T in the three phases (top), and tau90 against T with CIFAR-10 (below).

Needs ``runs``: one Langevin run per phase, then, in the same order, those with CIFAR-10 if any; ``chis``: one per run.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import panels, relaxation_times, stacked, times, title

NEEDS = {"runs": 1}
LABEL = "Fig. A4"
SECTION = "App. E Further decorrelation plots"
TITLE = "Further decorrelation times"
CAPTION = (
    "Top: time tau_e at which Q has fallen to 1/e, against T, with 95 % intervals; bottom, in scenarios with "
    "CIFAR-10: tau90. Open triangles: not reached within the longest lag. Dashed: free Brownian weights, no free "
    "parameter; solid line: T = 0; T*: where the two meet."
)
ROW = 3


def compute(inputs: FigureInputs) -> xr.Dataset:
    """tau_e and tau90 with their intervals and Brownian lines (panel, temperature)."""

    def numbers(name: str, run: xr.Dataset) -> xr.Dataset:
        return times(inputs, name, run, "tau_e").merge(times(inputs, name, run, "tau90"))

    return stacked(inputs, numbers)


def draw(numbers: xr.Dataset) -> Figure:
    count = numbers.sizes["panel"]
    figure, axes = style.new(min(ROW, count), rows=-(-count // ROW))
    for index, (ax, (name, one)) in enumerate(zip(axes.flat, panels(numbers), strict=False)):
        quantity, label = ("tau_e", r"$\tau_e$") if index < ROW else ("tau90", r"$\tau_{90}$")
        relaxation_times(ax, one, quantity, label)
        ax.set_title(title(name))
        place = {"transform": ax.transAxes, "ha": "right", "va": "top"}
        ax.text(0.97, 0.96, rf"$\chi$ = {float(one['chi']):g}", **place, fontsize=7.5)
    style.outer_labels(axes)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    return style.finish(figure, axes.flat, numbers)
