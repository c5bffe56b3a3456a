"""KWJ Fig. 2: the protocol (a); the overlap at a high and a low temperature beside free Brownian weights (b).

Needs ``runs``: one Langevin run, and ``temperatures``: the high and the low one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import brownian_overlaps, palette, times
from quench.store.variables import config_of

NEEDS = {"runs": 1}
LABEL = "Fig. 2"
SECTION = "III.2 Relaxation with overdamped Langevin dynamics"
TITLE = "The measurement protocol"
CAPTION = (
    "(a) The protocol, with the durations of this run. (b) Overlap at a high and a low temperature, with 95 % intervals "
    "over networks; dashed: free Brownian weights (KWJ Eq. 6), no free parameter."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Overlap with its interval and the Brownian overlap (temperature, lag), both also of every network.

    The protocol's durations are attributes.
    """
    (name,) = inputs.of("runs")
    run = inputs.run(name)
    free = brownian_overlaps(run)
    kept = times(inputs, name, run).assign(
        overlap_mean=run["overlap_mean"],
        overlap_low=run["overlap_low"],
        overlap_high=run["overlap_high"],
        overlap_single=inputs.single(name, "overlap")["overlap_single"],
        overlap_brownian=free.mean("network"),
        overlap_brownian_single=free,
        n_networks=run.attrs["n_networks"],
    )
    trajectory = config_of(inputs.of("runs")[name][0])["trajectory"]
    prepared = trajectory["prepared"]
    waiting_time = inputs.choices.get("waiting_time")
    return kept.assign_attrs(
        chi=run.attrs["chi"],
        epochs=prepared["epochs"],
        batch_size=prepared["batch_size"],
        waiting_time=max(trajectory["waiting_times"]) if waiting_time is None else waiting_time,
        lag_max=int(run["lag"].max()),
    )


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _protocol, _overlaps, height=2.9)


def _protocol(ax: Axes, numbers: xr.Dataset) -> None:
    """A sketch of the loss against time: it falls under SGD, then settles under Langevin dynamics."""
    facts = numbers.attrs
    sgd, langevin, measured = np.linspace(0, 1, 200), np.linspace(1, 1.6, 120), np.linspace(1.6, 2.6, 120)
    fall = 0.15 + 0.75 * np.exp(-5 * sgd)
    level = 0.15 + 0.75 * np.exp(-5)
    transient = level - 0.04 * (1 - np.exp(-9 * (langevin - 1)))
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


def _overlaps(ax: Axes, numbers: xr.Dataset) -> None:
    lags = numbers["lag"].values
    shown = lags > 0
    for row, color in enumerate(palette(numbers)):
        curve = numbers.isel(temperature=row)
        label = f"$T$ = {style.power(float(curve['temperature']))}"
        style.curve(ax, lags, curve, "overlap", color, label=label)
        theory = "free Brownian weights" if row == 0 else None
        ax.plot(lags[shown], curve["overlap_brownian"][shown], **style.THEORY, label=theory)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.set_title(rf"$\chi$ = {numbers.attrs['chi']:g}, $t_w$ = {style.grouped(numbers.attrs['waiting_time'])}")
    ax.legend(loc="lower left")
