"""Collapse of the displacements of different ages by initial noise, accumulated noise, and noise with drift.

Needs ``classifiers``: one per column.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.bj import panels
from quench.figures.bj.fig4 import MEANS, compute

__all__ = ["CAPTION", "MEANS", "TITLE", "compute", "draw"]

NEEDS = {"classifiers": 1}
LABEL = "Note 12"
SECTION = "Beyond the paper"
TITLE = "Accumulated noise collapses the curves, initial noise does not"
CAPTION = (
    "Top: displacement over its value for uncorrelated batches, Delta / [(alpha^2 / B) sum D(s)], with the sum over the "
    "updates of the lag; 1 without a free parameter (dashed). Full colours: t_w > t2; pale: t_w < t2. Middle: the same "
    "with the drift, alpha^2 [sum D / B + (sum |grad L|)^2 / M]. Bottom: scatter S in decades of the curves with t_w > t2, "
    "for lags up to one epoch and up to half the run, with 95 % jackknife intervals over networks."
)
LABELS = {
    "raw": r"$\Delta$",
    "initial_noise": r"$\Delta/D(t_w)$",
    "accumulated_noise": r"$\Delta/\sum D$",
    "prediction": "with drift",
}
WINDOW_COLORS = {"epoch": style.HEAT(0.08), "half": style.HEAT(0.9)}
WINDOW_LABELS = {"epoch": "1 epoch", "half": "half run"}


def draw(numbers: xr.Dataset) -> Figure:
    names = numbers["panel"].values
    figure, axes = style.new(len(names), rows=3, height=2.2, width=2.6)
    waiting = numbers["waiting_time"].values
    colors = panels.ages(waiting)
    for column, name in enumerate(names):
        one = numbers.sel(panel=name)
        above = waiting >= float(one["t2"])
        for row, variable in enumerate(("amplitude", "prediction")):
            ax = axes[row, column]
            panels.curves_by_age(ax, one[variable], ~above, [(*color[:3], 0.3) for color in colors])
            panels.curves_by_age(ax, one[variable], above, colors)
            ax.axhline(1, **style.THEORY)
            ax.axvline(float(one["epoch"]), **style.GUIDE)
            ax.set_ylim(0.03, 100)
        axes[0, column].set(title=str(one["title"].values), xlabel="")
        _bars(axes[2, column], one["score"].sel(regime="bottom"), int(one["n_networks"]))
    axes[0, 0].set_ylabel(r"$\Delta\, /\, (\alpha^2/B)\sum D$")
    axes[1, 0].set_ylabel(r"$\Delta\, /$ noise and drift")
    axes[2, 0].set_ylabel("$S$ (decades)")
    if names.size:
        axes[2, 0].legend(loc="upper right")
    panels.age_bar(figure, axes[:2].flat, waiting)
    return style.finish(figure, axes[0], numbers)


def _bars(ax: Axes, score: xr.DataArray, n_networks: int) -> None:
    places = np.arange(len(LABELS))
    for offset, window in zip((-0.2, 0.2), panels.WINDOWS, strict=True):
        value, low, high = panels.score_bounds(score.sel(window=window, rescaling=list(LABELS)), n_networks)
        color = WINDOW_COLORS[window]
        ax.bar(places + offset, value, 0.36, color=color, label=WINDOW_LABELS[window])
        known = np.isfinite(low)
        ax.vlines((places + offset)[known], low[known], high[known], color="black", lw=1)
    ax.set_xticks(places, [LABELS[name] for name in LABELS], fontsize=7, rotation=20)
    ax.tick_params(axis="x", length=0)
