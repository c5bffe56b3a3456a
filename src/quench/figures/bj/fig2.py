"""BJ Fig. 2: training and test loss and accuracy against log t for each model, with t1 and t2.

Needs ``classifiers``: one per panel.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"classifiers": 1}
LABEL = "Fig. 2"
SECTION = "3.1 The loss function"
TITLE = "Learning in three regimes"
CAPTION = (
    "Loss (top) and accuracy (bottom) on the training and test sets: mean over networks, with 95 % bands. t1: "
    "the loss first falls below 0.9 of that of the best constant predictor (dotted); t2: only 2 % of its fall to the final "
    "value is left, if that value is near zero. Grey bands: the same rules with 0.95 ... 0.85 and with 5 % ... 1 %."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Learning curves (panel, time) and crossover times (panel)."""
    trainings = {name: inputs.training(name) for name in inputs.of("classifiers")}
    return panels.stacked(
        {name: panels.learning(one).assign(title=panels.title(one)) for name, one in trainings.items()}
    )


def draw(numbers: xr.Dataset) -> Figure:
    names = numbers["panel"].values
    figure, axes = style.new(len(names), rows=2, height=2.3, width=2.6)
    for column, name in enumerate(names):
        one = numbers.sel(panel=name)
        learning(axes[0, column], one, "loss")
        learning(axes[1, column], one, "accuracy")
        axes[0, column].set(title=str(one["title"].values), xlabel="")
    style.outer_labels(axes)
    style.legend_above(axes[0, 0], ncols=2)
    return style.finish(figure, axes[0], numbers)


def learning(ax: Axes, one: xr.Dataset, what: str) -> None:
    """Training and test curves of one classifier; ``what`` is "loss" or "accuracy"."""
    one = one.dropna("time", subset=["train_loss"])
    one = one.isel(time=one["time"].values > 0)
    times = one["time"].values
    for part, color, label in (("train", panels.TRAIN, "training"), ("test", panels.TEST, "test")):
        name = f"{part}_{what}"
        style.band(ax, times, one[f"{name}_low"], one[f"{name}_high"], color)
        ax.plot(times, one[name], color=color, label=label)
    panels.mark_crossovers(ax, one, label=what == "loss")
    if what == "loss":
        ax.axhline(float(one["constant_loss"]), **style.GUIDE)
        ax.set_ylim(0, 1.25 * max(float(one["constant_loss"]), float(one["train_loss"].max())))
    else:
        ax.set_ylim(0, 1.03)
    ax.set(xscale="log", xlim=(1, times[-1]), xlabel="$t$ (updates)", ylabel=what)
    style.log_ticks(ax)
