"""BJ Fig. 5: the under-parameterised Toy model: loss and accuracy (a), mean square displacement (b).

Needs ``classifiers``: one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators import powerlaw
from quench.estimators.rescaling import time_to_displacement
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.bj.fig2 import learning
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"classifiers": 1}
LABEL = "Fig. 5"
SECTION = "4 The under-parameterised network"
TITLE = "The under-parameterised network"
CAPTION = (
    "A network with too few weights to fit the images. (a) Loss and (b) accuracy on the training and test sets: mean over "
    "networks, with 95 % bands; dotted: best constant predictor. (c) Mean square displacement, one curve per t_w. (d) "
    "Time to a fixed displacement, dotted in (c), against t_w, and the mean of the networks' power laws."
)
LEARNING = [
    f"{part}_{what}{end}"
    for part in ("train", "test")
    for what in ("loss", "accuracy")
    for end in ("", "_low", "_high", "_single")
] + ["noise", "noise_single"]


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Learning curves (time), displacements (waiting_time, lag), times to a fixed displacement and their exponent."""
    (name,) = inputs.of("classifiers")
    training = inputs.training(name)
    numbers = panels.displacements(training).merge(panels.learning(training)[list(LEARNING)])
    return numbers.merge(ageing(numbers)).assign(title=panels.title(training))


def ageing(numbers: xr.Dataset) -> xr.Dataset:
    """Time to a displacement that every t_w >= 2 t1 reaches, and its exponent in t_w.

    The displacement is half of the largest that all these curves reach, beyond the short times that all ages share.
    """
    curves, waiting = numbers["displacement"].values, numbers["waiting_time"].values
    first = 2 * float(numbers["t1"])
    old = curves[waiting >= first]
    old = old[np.isfinite(old).any(axis=1)]
    single = numbers["displacement_single"].transpose("network", "waiting_time", "lag").values
    lasts = [row[np.isfinite(row)][-1] for row in old]
    level, lags = min(lasts, default=np.nan) / 2, numbers["lag"].values
    reach = time_to_displacement(curves, lags, level)
    chosen = waiting >= max(first, 1)
    times = np.array([time_to_displacement(one, lags, level)[chosen] for one in single])
    exponents = powerlaw.exponents(waiting[chosen], times.T, points=3)
    return xr.Dataset(
        {
            "level": float(level),
            "reach": ("waiting_time", reach),
            "ageing_exponent": ("bound", panels.bounds(exponents)),
            "ageing_exponent_single": ("network", exponents),
            "ageing_intercept": powerlaw.fit(waiting[chosen], reach[chosen]).intercept,
        }
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(4, height=2.7, width=2.5)
    learning(axes[0, 0], numbers, "loss")
    learning(axes[0, 1], numbers, "accuracy")
    axes[0, 0].legend(loc="lower left")
    waiting = numbers["waiting_time"].values
    panels.curves_by_age(axes[0, 2], numbers["displacement"], waiting >= 0, panels.ages(waiting))
    axes[0, 2].set_ylabel(r"$\Delta(t_w, t_w+t)$")
    axes[0, 2].axhline(float(numbers["level"]), **style.GUIDE)
    _reach(axes[0, 3], numbers)
    panels.age_bar(figure, axes.flat, waiting)
    return style.finish(figure, axes.flat, numbers)


def _reach(ax: Axes, numbers: xr.Dataset) -> None:
    shown = numbers["waiting_time"].values > 0
    waiting, reach = numbers["waiting_time"].values[shown], numbers["reach"].values[shown]
    ax.set(xlabel="$t_w$ (updates)", ylabel=r"$t$ at the dotted $\Delta$")
    if not np.isfinite(reach).any():
        ax.text(0.5, 0.5, "no common displacement", transform=ax.transAxes, ha="center", fontsize=7)
        return
    ax.plot(waiting, reach, "o", ms=3.5, color=panels.TRAIN)
    exponent = float(numbers["ageing_exponent"].sel(bound="value"))
    if np.isfinite(exponent):
        fitted = waiting[waiting >= 2 * float(numbers["t1"])].astype(float)
        line = np.exp(float(numbers["ageing_intercept"])) * fitted**exponent
        ax.plot(fitted, line, **style.THEORY)
        ax.text(0.05, 0.95, rf"$\propto t_w^{{{exponent:.2f}}}$", transform=ax.transAxes, va="top", fontsize=9)
    ax.set(xscale="log", yscale="log")
    style.log_ticks(ax)
