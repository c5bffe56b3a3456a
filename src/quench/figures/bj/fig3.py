"""BJ Fig. 3: two-time mean square displacement of the weights at many waiting times (Small Net in the paper).

Needs ``classifiers``: one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.errors import QuenchError
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"classifiers": 1}
LABEL = "Fig. 3"
SECTION = "3.2 Two-time correlation functions"
TITLE = "Ageing of the weights"
CAPTION = (
    "Mean square displacement between t_w and t_w + t (BJ Eq. 3), averaged over networks and over starts in [t_w, 1.1 "
    "t_w], one curve per t_w. (a) All waiting times, as printed. (b-d) Those before t1, between t1 and t2, and after t2; "
    "the others are grey."
)
REGIMES = (r"$t_w < t_1$", r"$t_1 < t_w < t_2$", r"$t_w > t_2$")


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Displacements (waiting_time, lag), crossover times and collapse scores."""
    if len(inputs.of("classifiers")) != 1:
        raise QuenchError("bj.fig3 shows one classifier")
    (name,) = inputs.of("classifiers")
    training = inputs.training(name)
    return panels.displacements(training).assign(title=panels.title(training))


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(4, height=2.9, width=2.6)
    waiting = numbers["waiting_time"].values
    colors = panels.ages(waiting)
    t1, t2 = float(numbers["t1"]), float(numbers["t2"])
    after = waiting > t2 if np.isfinite(t2) else np.zeros(len(waiting), dtype=bool)
    panels.curves_by_age(axes[0, 0], numbers["displacement"], waiting >= 0, colors)
    axes[0, 0].set_title("all $t_w$")
    parts = (waiting < t1, (waiting >= t1) & ~after, after)
    for ax, chosen, text in zip(axes[0, 1:], parts, REGIMES, strict=True):
        panels.curves_by_age(ax, numbers["displacement"], ~chosen, ["0.88"] * len(waiting))
        panels.curves_by_age(ax, numbers["displacement"], chosen, colors)
        ax.set_title(text)
    axes[0, 0].set_ylabel(r"$\Delta(t_w, t_w+t)$")
    panels.age_bar(figure, axes.flat, waiting)
    return style.finish(figure, axes.flat, numbers, numbers["title"].item())
