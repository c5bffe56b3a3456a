"""The plateau of the under-parameterised network with batches drawn without and with replacement.

Needs ``classifiers``: the same network with ``sampling`` "epoch" and "iid", in any order.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.figures.stacking import stack_panels

NEEDS = {"classifiers": 2}
LABEL = "Fig. 5b"
SECTION = "Beyond the paper"
TITLE = "The plateau and the epoch"
CAPTION = (
    "The same under-parameterised network trained with batches drawn without replacement in every epoch, and with "
    "independent batches. (a, b) Mean square displacement, one curve per t_w; dotted: one epoch. (c) Local slope d log "
    "Delta / d log t: mean and range over t_w from a quarter of the run on. (d) Gradient noise: constant, like a "
    "temperature."
)
OLD = 4  # slopes are averaged over waiting times from steps / 4 on
COLORS = {"epoch": panels.TRAIN, "iid": panels.TEST}
LABELS = {"epoch": "without replacement", "iid": "independent"}
MEANS = {
    "sampling": "how batches are drawn",
    "slope": "local slope d log Delta / d log t",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Displacements and their local slopes (sampling, waiting_time, lag), noise (sampling, time)."""
    rows = []
    for name in inputs.of("classifiers"):
        training = inputs.training(name)
        numbers = panels.displacements(training).merge(panels.learning(training)[["noise", "train_loss"]])
        log_lag = np.log(numbers["lag"].values)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.gradient(np.log(numbers["displacement"].values), log_lag, axis=1)
        rows.append(
            numbers.assign(slope=(("waiting_time", "lag"), slope)).expand_dims(sampling=[training.attrs["sampling"]])
        )
    return stack_panels(rows, "sampling").sortby("sampling")


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(4, height=2.7, width=2.5)
    waiting = numbers["waiting_time"].values
    for ax, sampling in zip(axes.flat, numbers["sampling"].values, strict=False):
        one = numbers.sel(sampling=sampling)
        panels.curves_by_age(ax, one["displacement"], waiting >= 0, panels.ages(waiting))
        ax.axvline(float(one["epoch"]), **style.GUIDE)
        ax.set_title(LABELS[str(sampling)])
    axes[0, 0].set_ylabel(r"$\Delta(t_w, t_w+t)$")
    for sampling in numbers["sampling"].values:
        one = numbers.sel(sampling=sampling)
        how = {"color": COLORS[str(sampling)], "label": LABELS[str(sampling)]}
        slopes = one["slope"].where(one["waiting_time"] >= one["steps"] / OLD)
        style.band(axes[0, 2], one["lag"], slopes.min("waiting_time"), slopes.max("waiting_time"), how["color"])
        axes[0, 2].plot(one["lag"], slopes.mean("waiting_time"), **how)
        shown = one["time"].values > 0
        axes[0, 3].plot(one["time"].values[shown], one["noise"].values[shown], **how)
    axes[0, 2].axvline(float(numbers["epoch"].max()), **style.GUIDE)
    axes[0, 2].axhline(1, **style.GUIDE)
    axes[0, 2].set(xscale="log", xlabel="$t$ (updates)", ylabel=r"d log $\Delta$ / d log $t$")
    axes[0, 3].set(xscale="log", xlabel="$t$ (updates)", ylabel="$D$")
    # The legend stands above the curves.
    axes[0, 3].set_ylim(0, 1.35 * float(numbers["noise"].max()))
    axes[0, 3].yaxis.set_major_formatter(lambda value, _: style.power(value))
    axes[0, 3].legend(loc="upper left")
    for ax in axes[0, 2:]:
        style.log_ticks(ax)
    panels.age_bar(figure, axes.flat, waiting)
    return style.finish(figure, axes.flat, numbers)
