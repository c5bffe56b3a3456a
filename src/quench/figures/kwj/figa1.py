"""KWJ Fig. A1: tau90 against T at several overlap lengths epsilon = sigma/chi, from the same displacements.

Needs ``runs``: one Langevin run, and ``chis``: the lengths.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import draw_kinked, kinked
from quench.figures.stacking import stack_panels

NEEDS = {"runs": 1}
LABEL = "Fig. A1"
SECTION = "App. B Choosing ε"
TITLE = "The choice of the overlap length"
CAPTION = (
    "Time tau90 against T for several chi = sigma/epsilon, from the same runs, with 95 % intervals; times below "
    "one update or beyond the longest lag are left out. Dashed: free Brownian weights at each length, no free parameter. "
    "Horizontal lines: T = 0. Crosses: the kink T*, where the two meet; it moves with chi while the shape stays."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """tau90 with its interval, the Brownian tau90 (chi, temperature), tau90 at T = 0 and the kink T* (chi)."""
    (name,) = inputs.of("runs")
    return stack_panels([kinked(inputs, name, chi=chi).expand_dims(chi=[chi]) for chi in inputs.chis(name)], "chi")


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1, height=3.2, width=4.4)
    ax = axes[0, 0]
    draw_kinked(ax, numbers, "chi", lambda chi: rf"$\chi$ = {chi:g}")
    for row, color in enumerate(style.ages(numbers["chi"].values)):
        one = numbers.isel(chi=row)
        # NaN at T = 0; far below one update there is nothing to compare with.
        line = one["tau90_brownian"].values
        kept = line > 0.5
        ax.plot(one["temperature"].values[kept], line[kept], color=color, linewidth=0.9, linestyle="--")
        ax.plot(float(one["kink"]), float(one["frozen"]), "x", color=color, ms=6, mew=1.5)
    top = float(np.nanmax(numbers["tau90_mean"].values))
    ax.set_ylim(0.7, top * 2)
    style.legend_above(ax, ncols=2)
    style.log_ticks(ax)
    return style.finish(figure, axes.flat, numbers)
