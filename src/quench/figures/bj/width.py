"""The conjectured transition: the Toy model with fewer weights than samples to many more.

Needs ``classifiers``: the same model at several widths, in any order.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.estimators.rescaling import scores
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.bj.fig5 import ageing
from quench.figures.figure_inputs import FigureInputs
from quench.figures.stacking import stack_panels
from quench.numerics import intervals

NEEDS = {"classifiers": 1}
LABEL = "Sec. 4"
SECTION = "Beyond the paper"
TITLE = "From hard to easy: the width transition"
CAPTION = (
    "The Toy model with growing width, all else equal; one point per width, bars: 95 % intervals. (a) Final training loss "
    "over that of the best constant predictor. (b) Final gradient noise over its maximum: like a temperature in the hard "
    "phase, vanishing in the easy one. (c) Ageing exponent of the time to a fixed displacement. (d) Collapse score of "
    "Delta / sum D for t_w > t1 and lags up to half the run. Dotted: as many weights as samples x classes."
)
MEANS = {
    "n_classes": "number of classes",
    "relative_loss": "training loss at the end over that of the best constant output",
    "relative_noise": "D at the end over its maximum",
    "ageing_score": "scatter S of Delta over the accumulated noise",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Final loss, final noise, ageing exponent and collapse score of every width (width)."""
    rows = []
    for name in inputs.of("classifiers"):
        training = inputs.training(name)
        numbers, known, curves = panels.displacements(training), panels.learning(training), panels.two_time(training)
        end, half = known["time"].values >= 2 / 3 * training.attrs["steps"], training.attrs["steps"] // 2
        noise = known["noise_single"].transpose("network", "time").values
        single = {
            "relative_loss": known["final_loss_single"].values / training.attrs["constant_loss"],
            "relative_noise": noise[:, end].mean(axis=1) / noise.max(axis=1),
        }
        score = scores(curves, "accumulated_noise", (float(known["t1"]), np.inf), (1, half))
        part = numbers.merge(ageing(numbers)).drop_dims(["waiting_time", "lag", "regime"], errors="ignore")
        part = part.assign(
            {name: ("bound", panels.bounds(values, "log")) for name, values in single.items()}
            | {f"{name}_single": ("network", values) for name, values in single.items()}
            | {
                "ageing_score": ("bound", list(intervals.jackknifed(score, "log")[:3])),
                "n_classes": training.attrs["n_classes"],
            }
        )
        rows.append(part.expand_dims(width=[training.attrs["widths"][0]]))
    return stack_panels(rows, "width").sortby("width")


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(4, height=2.6, width=2.4)
    ratio = (numbers["n_weights"] / (numbers["n_train"] * numbers["n_classes"])).values
    color = panels.TRAIN
    rows = (
        ("relative_loss", "final loss / constant"),
        ("relative_noise", "final $D$ / maximum"),
        ("ageing_exponent", "ageing exponent"),
        ("ageing_score", r"$S$ of $\Delta/\sum D$"),
    )
    for ax, (name, label) in zip(axes.flat, rows, strict=True):
        values = numbers[name]
        value, low, high = (values.sel(bound=end).values for end in panels.BOUNDS)
        known = np.isfinite(low) & np.isfinite(high)
        ax.vlines(ratio[known], low[known], high[known], color=color, lw=1)
        ax.plot(ratio, value, "o-", ms=3.5, color=color)
        ax.axvline(1, **style.GUIDE)
        ax.set(xscale="log", xlabel="weights / (samples x classes)", ylabel=label)
    for ax, (name, _) in zip(axes.flat[:2], rows, strict=False):
        if (numbers[name].sel(bound="value") > 0).any():
            ax.set_yscale("log")
    for ax in axes.flat:
        style.log_ticks(ax)
    return style.finish(figure, axes.flat, numbers)
