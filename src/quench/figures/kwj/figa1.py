"""KWJ Fig. A1: tau90 against T at several overlap lengths epsilon = sigma/chi, from the same displacements.

Needs ``runs``: one Langevin run, and ``chis``: the lengths.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import brownian_tau, frozen_level, paired_times
from quench.figures.stacking import joined

NEEDS = {"runs": 1}
TITLE = "The choice of the overlap length"
CAPTION = (
    "Time tau90 against T for several chi = sigma/epsilon, from the same runs, with 95 % bootstrap intervals; points that "
    "are not reached, or within the first update, are left out. Dashed: free Brownian weights at each length, no free "
    "parameter. Levels: T = 0. The kink T*, where the two meet (marked), moves while the shape stays."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """tau90 with its interval, the Brownian tau90 (chi, temperature), tau90 at T = 0 and the kink T* (chi)."""
    (name,) = inputs.runs
    parts = []
    for chi in inputs.chis(name):
        run = inputs.run(name, chi=chi)
        line = brownian_tau(run)
        frozen = frozen_level(run)
        product = float((line * line["temperature"]).max())
        kept = run[["tau90_mean", "tau90_low", "tau90_high"]].assign(
            tau90_brownian=line,
            tau90_samples=paired_times(inputs, name, chi=chi),
            frozen=frozen,
            kink=product / frozen,
            n_networks=run.attrs["n_networks"],
        )
        parts.append(kept.expand_dims(chi=[chi]))
    return joined(parts, "chi")


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1, height=3.2, width=4.4)
    ax = axes[0, 0]
    chis = numbers["chi"].values
    for row, color in zip(range(len(chis)), style.ages(chis), strict=True):
        one = numbers.isel(chi=row)
        hot = one.where(one["temperature"] > 0, drop=True)
        values = hot["tau90_mean"].values
        shown = np.isfinite(values) & (values >= 1)
        temperatures, values = hot["temperature"].values[shown], values[shown]
        low, high = hot["tau90_low"].values[shown], hot["tau90_high"].values[shown]
        error = [np.maximum(values - low, 0), np.where(np.isfinite(high), np.maximum(high - values, 0), 0)]
        ax.errorbar(
            temperatures, values, yerr=error, color=color, fmt="o", ms=4, capsize=2, label=rf"$\chi$ = {chis[row]:g}"
        )
        line = hot["tau90_brownian"].values
        kept = line > 0.5
        ax.plot(hot["temperature"].values[kept], line[kept], color=color, linewidth=0.9, linestyle="--")
        frozen, kink = float(one["frozen"]), float(one["kink"])
        if np.isfinite(frozen):
            ax.axhline(frozen, color=color, linewidth=0.7)
            ax.plot(kink, frozen, "x", color=color, ms=6, mew=1.5)
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$\tau_{90}$ (updates)")
    top = float(np.nanmax(numbers["tau90_mean"].values))
    ax.set_ylim(0.7, top * 8)
    style.log_ticks(ax)
    ax.legend(loc="upper right", ncols=2)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure
