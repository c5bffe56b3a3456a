"""KWJ Fig. 3: overlap at every temperature, and the decorrelation time tau90 against T, one column a phase.

Needs ``runs``: one Langevin run a phase.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import brownian_tau, paired_times, palette, panel, relaxation_times, stacked, title

NEEDS = {"runs": 1}
TITLE = "Relaxation with overdamped Langevin dynamics"
CAPTION = (
    "Top: overlap Q(t) from hot (red) to cold (blue); bands are 95 % bootstrap intervals over networks. "
    "Bottom: time tau90 at which Q has fallen to 0.9, with intervals; points that do not reach it are left out. "
    "Dashed: free Brownian weights, tau90 = eps^2 P_D / (4 mu T erfinv(0.9)^2), without a free parameter; "
    "solid line: tau90 at T = 0."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """Overlap and tau90 with their intervals (panel, temperature[, lag]), and the Brownian tau90."""

    names = iter(inputs.runs)

    def numbers(run: xr.Dataset) -> xr.Dataset:
        kept = [f"{name}_{end}" for name in ("overlap", "tau90") for end in ("mean", "low", "high")]
        samples = paired_times(inputs, next(names))
        return run[kept].assign(tau90_brownian=brownian_tau(run), tau90_samples=samples)

    return stacked(inputs, numbers)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(len(names), rows=2)
    for column, name in enumerate(names):
        one = panel(numbers, name)
        _overlaps(axes[0, column], one)
        relaxation_times(axes[1, column], one, "tau90", r"$\tau_{90}$")
        axes[0, column].set_title(title(name))
        if column:
            axes[0, column].set_ylabel("")
            axes[1, column].set_ylabel("")
    # Where all but the slowest curves have gone below it.
    words = {"textcoords": "offset points", "ha": "right", "fontsize": 7.5, "color": "0.25"}
    axes[0, 0].annotate("$Q=0.9$", (1, 0.9), xytext=(-3, 3), xycoords=("axes fraction", "data"), **words)
    style.letters(axes.flat)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure


def _overlaps(ax, one: xr.Dataset) -> None:
    lags = one["lag"].values
    shown = lags > 0
    for row, color in zip(range(one.sizes["temperature"]), palette(one), strict=True):
        curve = one.isel(temperature=row)
        style.band(ax, lags[shown], curve["overlap_low"][shown], curve["overlap_high"][shown], color)
        ax.plot(lags[shown], curve["overlap_mean"][shown], color=color)
    ax.axhline(0.9, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.margins(x=0.02)
