"""KWJ Fig. 2: the protocol (a), and the overlap at a high and a low temperature beside free Brownian weights (b).

Needs ``runs``: one Langevin run, and ``temperatures``: the high and the low one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import brownian_overlap
from quench.store.variables import config_of

NEEDS = {"runs": 1}
TITLE = "How dynamics are measured"
CAPTION = (
    "(a) The protocol, with the durations of this run. (b) Overlap at a high and a low temperature, with 95 % bootstrap "
    "intervals over networks; dashed: free Brownian weights (KWJ Eq. 6), no free parameter."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """Overlap with its interval and the Brownian overlap (temperature, lag); the protocol's durations as attributes."""
    (name,) = inputs.runs
    run = inputs.run(name)
    kept = run[["overlap_mean", "overlap_low", "overlap_high"]].assign(
        overlap_brownian=brownian_overlap(run), n_networks=run.attrs["n_networks"]
    )
    trajectory = config_of(inputs.runs[name][0])["trajectory"]
    prepared = trajectory["prepared"]
    waiting_time = inputs.waiting_time if inputs.waiting_time is not None else max(trajectory["waiting_times"])
    return kept.assign_attrs(
        chi=run.attrs["chi"],
        epochs=prepared["epochs"],
        batch_size=prepared["batch_size"],
        waiting_time=waiting_time,
        lag_max=int(run["lag"].max()),
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(2, height=2.9)
    _protocol(axes[0, 0], numbers.attrs)
    _overlaps(axes[0, 1], numbers)
    style.letters(axes.flat)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure


def _protocol(ax, facts) -> None:
    """Loss against time, drawn: SGD falls, the Langevin transient rises and settles, then the measurement."""
    sgd, langevin, measured = np.linspace(0, 1, 200), np.linspace(1, 1.6, 120), np.linspace(1.6, 2.6, 120)
    fall = 0.15 + 0.75 * np.exp(-5 * sgd)
    level = 0.15 + 0.75 * np.exp(-5)
    transient = level + 0.14 * (1 - np.exp(-9 * (langevin - 1)))
    settled = np.full_like(measured, transient[-1])
    red, blue, green = style.HEAT(0.95), style.HEAT(0.08), style.HEAT(0.4)
    for t, loss, color in ((sgd, fall, blue), (langevin, transient, red), (measured, settled, green)):
        ax.plot(t, loss, color=color, linewidth=2)
    for moment in (1, 1.6):
        ax.axvline(moment, **style.GUIDE)
    spans = (
        (0.5, f"SGD, batch {facts['batch_size']:,}\n{facts['epochs']:,} epochs", blue),
        (1.3, f"Langevin\n$t_w$ = {facts['waiting_time']:,}", red),
        (2.1, f"measure $Q(t, t_w)$\n$t$ ≤ {facts['lag_max']:,}", green),
    )
    for x, text, color in spans:
        ax.text(x, 0.99, text, ha="center", va="top", fontsize=7.5, color=color)
    ax.annotate("random\nweights", (0, 0.9), xytext=(0.12, 0.62), fontsize=7.5, ha="left", va="center")
    ax.set(
        xlim=(-0.05, 2.65), ylim=(0, 1.03), xlabel="time (not to scale)", ylabel="training loss", xticks=[], yticks=[]
    )


def _overlaps(ax, numbers: xr.Dataset) -> None:
    lags = numbers["lag"].values
    shown = lags > 0
    temperatures = numbers["temperature"].values
    for row, color in zip(range(len(temperatures)), style.colors(temperatures), strict=True):
        curve = numbers.isel(temperature=row)
        style.band(ax, lags[shown], curve["overlap_low"][shown], curve["overlap_high"][shown], color)
        ax.plot(lags[shown], curve["overlap_mean"][shown], color=color, label=f"$T$ = {style.power(temperatures[row])}")
        label = "free Brownian weights" if row == 0 else None
        ax.plot(lags[shown], curve["overlap_brownian"][shown], **style.THEORY, label=label)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.set_title(rf"$\chi$ = {numbers.attrs['chi']:g}")
    ax.legend(loc="lower left")
