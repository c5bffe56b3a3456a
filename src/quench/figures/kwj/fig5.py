"""KWJ Fig. 5(a-c): mean square displacement of the weights, one panel a phase.

Needs ``runs``: one Langevin run a phase.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import panel, stacked, title

TITLE = "Mean square displacement of the weights"
CAPTION = (
    "Mean square displacement under Langevin dynamics from hot (red) to cold (blue), with 95 % bootstrap intervals over "
    "networks. Dotted: slope 1, normal diffusion. Solid: the square of the overlap length eps of Fig. 3."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """MSD with its interval (panel, temperature, lag) and the squared overlap length (panel)."""

    def numbers(run: xr.Dataset) -> xr.Dataset:
        return run[["msd_mean", "msd_low", "msd_high"]].assign(epsilon_squared=(run["epsilons"] ** 2).mean())

    return stacked(inputs, numbers)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), height=3.0)
    for ax, name in zip(axes.flat, names, strict=True):
        one = panel(numbers, name)
        displacements(ax, one)
        ax.set_title(title(name))
    for ax in axes.flat[1:]:
        ax.set_ylabel("")
    style.letters(axes.flat)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure


def displacements(ax, one: xr.Dataset) -> None:
    """MSD curves of one phase with the slope-1 guide above the hottest and the eps^2 line."""
    shown = one["lag"].values > 0
    lags = one["lag"].values[shown]
    for row, color in zip(range(one.sizes["temperature"]), style.colors(one["temperature"].values), strict=True):
        curve = one.isel(temperature=row)
        mean = curve["msd_mean"].values[shown]
        visible = mean > 0
        low, high = curve["msd_low"].values[shown], curve["msd_high"].values[shown]
        style.band(ax, lags[visible], low[visible], high[visible], color)
        ax.plot(lags[visible], mean[visible], color=color)
    ax.set_xscale("log")
    ax.set_yscale("log")
    hottest = one["msd_mean"].values[0][shown]
    measured = np.isfinite(hottest) & (hottest > 0)
    if measured.any():
        first, last = lags[measured][0], lags[measured][-1]
        style.guide(ax, (first, first * (last / first) ** 0.6), 2.5 * hottest[measured][0], 1.0, "slope 1")
    level = float(one["epsilon_squared"])
    ax.axhline(level, **style.LEVEL)
    ax.annotate(r"$\epsilon^2$", (lags[-1], level), xytext=(-2, 2), textcoords="offset points", ha="right", fontsize=8)
    ax.set(xlabel="$t$ (updates)", ylabel="MSD")
    style.log_ticks(ax)
