"""KWJ Fig. 3: overlap at every temperature, and the decorrelation time tau90 against T, one column a phase.

Needs ``runs``: one Langevin run a phase.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import TITLES, brownian_tau90, panel, stacked

TITLE = "Relaxation with overdamped Langevin dynamics"
CAPTION = (
    "Top: overlap Q(t) from hot (red) to cold (blue); bands are 95 % bootstrap intervals over networks. "
    "Bottom: time tau90 at which Q has fallen to 0.9, with intervals; points that do not reach it are left out. "
    "Dashed: free Brownian weights, tau90 = eps^2 P_D / (4 mu T erfinv(0.9)^2), without a free parameter; "
    "solid line: tau90 at T = 0."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """Overlap and tau90 with their intervals (panel, temperature[, lag]), and the Brownian tau90."""

    def numbers(run: xr.Dataset) -> xr.Dataset:
        kept = [f"{name}_{end}" for name in ("overlap", "tau90") for end in ("mean", "low", "high")]
        return run[kept].assign(tau90_brownian=brownian_tau90(run))

    return stacked(inputs, numbers)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), rows=2)
    for column, name in enumerate(names):
        one = panel(numbers, name)
        _overlaps(axes[0, column], one)
        _times(axes[1, column], one)
        axes[0, column].set_title(TITLES.get(name, name))
        if column:
            axes[0, column].set_ylabel("")
            axes[1, column].set_ylabel("")
    style.letters(axes.flat)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure


def _overlaps(ax, one: xr.Dataset) -> None:
    lags = one["lag"].values
    shown = lags > 0
    for row, color in zip(range(one.sizes["temperature"]), style.colors(one["temperature"].values), strict=True):
        curve = one.isel(temperature=row)
        style.band(ax, lags[shown], curve["overlap_low"][shown], curve["overlap_high"][shown], color)
        ax.plot(lags[shown], curve["overlap_mean"][shown], color=color)
    ax.axhline(0.9, **style.GUIDE)
    ax.annotate("$Q=0.9$", (1, 0.9), xytext=(3, -9), textcoords="offset points", fontsize=7.5, color="0.25")
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.margins(x=0.02)


def _times(ax, one: xr.Dataset) -> None:
    hot = one.where(one["temperature"] > 0, drop=True)
    temperatures = hot["temperature"].values
    for row, color in zip(range(len(temperatures)), style.colors(temperatures), strict=True):
        point = hot.isel(temperature=row)
        value, low, high = (float(point[f"tau90_{end}"]) for end in ("mean", "low", "high"))
        if np.isfinite(value):
            up = high - value if np.isfinite(high) else 0.0
            ax.errorbar(
                temperatures[row],
                value,
                yerr=[[max(value - low, 0)], [max(up, 0)]],
                color=color,
                fmt="o",
                ms=4,
                capsize=2,
            )
    line = hot["tau90_brownian"]
    ax.plot(temperatures, line, **style.THEORY, label="free Brownian weights (slope $-1$)")
    measured = hot["tau90_mean"].values
    if 0 in one["temperature"].values:
        frozen = float(one["tau90_mean"].sel(temperature=0))
        if np.isfinite(frozen):
            ax.axhline(frozen, **style.LEVEL, label="$T=0$")
            measured = np.append(measured, frozen)
    ax.set_xscale("log")
    ax.set_yscale("log")
    seen = measured[np.isfinite(measured)]
    if seen.size:
        ax.set_ylim(max(seen.min() / 4, 0.05), seen.max() * 6)
    ax.set(xlabel="$T$", ylabel=r"$\tau_{90}$ (updates)")
    style.log_ticks(ax)
    ax.legend(loc="upper right")
