"""BJ Fig. 4: displacement over the noise at the start, Delta / D(t_w), below and above t2 for each model.

Needs ``classifiers``: one per column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.rescaling import RESCALINGS, slopes_per_decade
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"classifiers": 1}
LABEL = "Fig. 4"
SECTION = "3.2 Two-time correlation functions"
TITLE = "Displacement over noise"
CAPTION = (
    "Mean square displacement over the initial gradient noise, Delta(t_w, t_w + t) / D(t_w), averaged over networks and "
    "over starts in [t_w, 1.1 t_w]. Top: t_w < t2. Bottom: t_w > t2, with the collapse score S, the scatter of the curves "
    "in decades, for lags up to one epoch (dotted) and up to half the run. Straight line: slope 1."
)
SLOPE_DECADES = 6
MEANS = {
    "slope_single": "slope d log(Delta/D(t_w)) / d log t within a decade of lag, of each network",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Rescaled displacements (panel, waiting_time, lag), scores, and slopes per decade of lag at the bottom."""
    parts = {}
    for name in inputs.of("classifiers"):
        training = inputs.training(name)
        known, curves = panels.displacements(training), panels.two_time(training)
        two_time = ("network", "waiting_time", "lag")
        rescaled: dict[str, Any] = {name: (two_time[1:], curves.rescaled(name)) for name in RESCALINGS}
        bottom = curves.single("initial_noise")[:, curves.waiting_times >= float(known["t2"])]
        parts[name] = known.assign(
            title=panels.title(training),
            **rescaled,
            amplitude=(two_time[1:], curves.rescaled("accumulated_noise") * curves.batch_size / curves.rate**2),
            amplitude_single=(two_time, curves.amplitude()),
            prediction_single=(two_time, curves.single("prediction")),
            slope_single=(("decade", "network"), slopes_per_decade(bottom, curves.lags, SLOPE_DECADES)),
        ).assign_coords(decade=np.arange(SLOPE_DECADES))
    return panels.stacked(parts)


def draw(numbers: xr.Dataset) -> Figure:
    names = numbers["panel"].values
    figure, axes = style.new(len(names), rows=2, height=2.5, width=2.6)
    waiting = numbers["waiting_time"].values
    colors = panels.ages(waiting)
    for column, name in enumerate(names):
        one = numbers.sel(panel=name)
        t2 = float(one["t2"])
        above = waiting >= t2
        panels.curves_by_age(axes[0, column], one["initial_noise"], ~above, colors)
        panels.curves_by_age(axes[1, column], one["initial_noise"], above, colors)
        axes[0, column].set(title=str(one["title"].values), xlabel="")
        _bottom(axes[1, column], one)
    for row, text in enumerate((r"$t_w < t_2$", r"$t_w > t_2$")):
        axes[row, 0].set_ylabel(rf"$\Delta / D(t_w)$,  {text}")
    panels.age_bar(figure, axes.flat, waiting)
    return style.finish(figure, axes[0], numbers)


def _bottom(ax: Axes, one: xr.Dataset) -> None:
    """A guide of slope 1, the length of an epoch, and the scores."""
    curves = one["initial_noise"].values[one["waiting_time"].values >= float(one["t2"])]
    epoch = float(one["epoch"])
    if np.isfinite(curves).any():
        lowest = np.nanmin(curves[:, 0])
        style.guide(ax, (1, min(100, float(one["steps"]) / 4)), 0.4 * lowest, 1.0, "slope 1", above=False)
        ax.axvline(epoch, **style.GUIDE)
    lines = []
    for window, text in (("epoch", "1 epoch"), ("half", "half run")):
        value = float(one["score"].sel(regime="bottom", window=window, rescaling="initial_noise", left_out=0))
        lines.append(f"$S$({text}) = {value:.2f}" if np.isfinite(value) else f"$S$({text}): too few $t_w$")
    ax.text(0.04, 0.96, "\n".join(lines), transform=ax.transAxes, va="top", fontsize=7)
