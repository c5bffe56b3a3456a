"""Diffusion and drift at the bottom: SGD beside noise-free gradient descent from the same weights.

Needs ``classifiers`` and ``drift``: the same one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.estimators.rescaling import drift_crossover, interpolated
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"classifiers": 1, "drift": 1}
LABEL = "Sec. 3.2"
SECTION = "Beyond the paper"
TITLE = "Diffusion and drift at the bottom"
CAPTION = (
    "From one configuration with t_w > t2: (a) mean square displacement of SGD and of full-batch gradient descent at the "
    "same rate, which has no noise. (b) Ratio of the two, and cosine between the displacements: 0 for pure diffusion, 1 "
    "for a pure drift, and the square root of the ratio where independent noise adds to a drift. Dashed: t* = D M / (B "
    "|grad L|^2), beyond which a straight drift exceeds diffusion."
)
MEANS = {
    "crossover": ("lag t* from which drift outweighs noise", "updates"),
    "ratio": "displacement of gradient descent over that of SGD",
    "sgd": "mean square displacement of SGD",
    "gradient_descent": "mean square displacement of noise-free gradient descent",
    "cosine": "cosine between the displacements of gradient descent and SGD",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Displacements, ratio and cosine (waiting_time, lag), means over networks; t* (waiting_time)."""
    (name,) = inputs.of("drift")
    found, training = inputs.of("drift")[name][0], inputs.training(name)
    times, starts = training["time"].values, found["waiting_time"].values
    batch_size, n_weights = training.attrs["batch_size"], training.attrs["n_weights"]
    crossover = np.full((found.sizes["network"], len(starts)), np.nan)
    for row, seed in enumerate(found["seed"].values):
        # The noise and gradient of the very network that the displacements are of.
        own = training.isel(network=int(np.flatnonzero(training["seed"].values == seed)[0]))
        noise, gradient = (interpolated(times, own[key].values, starts) for key in ("noise", "gradient_square"))
        crossover[row] = [drift_crossover(d, g, batch_size, n_weights) for d, g in zip(noise, gradient, strict=True)]
    numbers = found[["sgd", "gradient_descent", "cosine"]].assign(ratio=found["gradient_descent"] / found["sgd"])
    return numbers.mean("network").assign(
        ratio_single=numbers["ratio"].drop_vars("seed", errors="ignore"),
        crossover=("waiting_time", np.exp(np.log(crossover).mean(axis=0))),
        crossover_single=(("network", "waiting_time"), crossover),
        t2=panels.learning(training)["t2"],
        title=panels.title(training),
        n_networks=found.sizes["network"],
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(2, height=2.8)
    lags = numbers["lag"].values
    count = numbers.sizes["waiting_time"]
    for row in range(count):
        one = numbers.isel(waiting_time=row)
        shade = {"alpha": 1 - 0.6 * row / max(count - 1, 1) if count > 1 else 1}
        start = f"$t_w$ = {int(one['waiting_time'])}"
        axes[0, 0].plot(lags, one["sgd"], color=panels.TEST, label=f"SGD, {start}", **shade)
        axes[0, 0].plot(lags, one["gradient_descent"], color=panels.TRAIN, label="gradient descent", **shade)
        axes[0, 1].plot(lags, one["ratio"], color=panels.TRAIN, label="ratio of displacements", **shade)
        axes[0, 1].plot(lags, one["cosine"], color="0.3", ls="-.", label="cosine", **shade)
        for ax in axes.flat:
            if np.isfinite(one["crossover"]):
                ax.axvline(float(one["crossover"]), **style.THEORY)
        axes[0, 1].annotate(
            "$t^*$", (float(one["crossover"]), 0.03), xytext=(3, 0), textcoords="offset points", fontsize=9
        )
    axes[0, 0].set(xscale="log", yscale="log", xlabel="$t$ (updates)", ylabel=r"$\Delta(t_w, t_w+t)$")
    axes[0, 1].set(xscale="log", xlabel="$t$ (updates)", ylabel="ratio, cosine", ylim=(None, 1.05))
    for ax in axes.flat:
        style.log_ticks(ax)
        ax.legend(loc="upper left")
    shown = int(numbers["n_networks"])
    return style.finish(
        figure, axes.flat, numbers, numbers["title"].item(), f"{shown} network{'s' if shown > 1 else ''} shown"
    )
