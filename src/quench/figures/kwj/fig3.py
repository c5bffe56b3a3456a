"""KWJ Fig. 3: overlap at every temperature, and the decorrelation time tau90 against T, one column per phase.

Needs ``runs``: one Langevin run per phase.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import columns, curves, relaxation_times, stacked, times

NEEDS = {"runs": 1}
LABEL = "Fig. 3"
SECTION = "III.2 Relaxation with overdamped Langevin dynamics"
TITLE = "Relaxation with overdamped Langevin dynamics"
CAPTION = (
    "Top: overlap Q(t) from hot (red) to cold (blue), with 95 % intervals over networks of one state. Bottom: time tau90 "
    "at which Q has fallen to 0.9, with intervals; open triangles: not reached within the longest lag. Dashed: free "
    "Brownian weights with the networks' own lengths, where their mean Q is 0.9, without a free parameter; solid line: "
    "tau90 at T = 0; T*: where the two meet. Dotted curves: networks in another state."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Overlap and tau90 with their intervals (panel, temperature[, lag]), and the Brownian tau90."""

    def numbers(name: str, run: xr.Dataset) -> xr.Dataset:
        kept = [str(one) for one in run if str(one).startswith(("overlap_", "tau90_"))]
        return run[kept].merge(times(inputs, name, run))

    return stacked(inputs, numbers)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = columns(numbers, _overlaps, _times)
    # On the right, where most curves are below the line.
    words = {"textcoords": "offset points", "ha": "right", "fontsize": 7.5, "color": "0.25"}
    axes[0, 0].annotate("$Q=0.9$", (1, 0.9), xytext=(-3, 3), xycoords=("axes fraction", "data"), **words)
    return style.finish(figure, axes.flat, numbers)


def _times(ax: Axes, one: xr.Dataset) -> None:
    relaxation_times(ax, one, "tau90", r"$\tau_{90}$")


def _overlaps(ax: Axes, one: xr.Dataset) -> None:
    curves(ax, one, "overlap")
    ax.axhline(0.9, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.margins(x=0.02)
