"""KWJ Fig. A9 (and A10): tau90 against T at several waiting times of one run.

Needs ``runs``: one Langevin run; all its waiting times are shown.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import brownian_tau, frozen_level, paired_times, title
from quench.figures.stacking import joined

NEEDS = {"runs": 1}
TITLE = "Relaxation at several waiting times, regularised"
CAPTION = (
    "Time tau90 against T from the shortest (dark) to the longest (bright) waiting time, with 95 % bootstrap intervals. "
    "Dashed: free Brownian weights, no free parameter; levels: T = 0."
)


def compute(inputs: Inputs) -> xr.Dataset:
    """tau90 with its interval (waiting_time, temperature), the Brownian line and the kink T* (waiting_time)."""
    (name,) = inputs.runs
    parts = []
    for waiting_time in inputs.runs[name][0]["waiting_time"].values:
        run = inputs.run(name, waiting_time=int(waiting_time))
        line = brownian_tau(run)
        frozen = frozen_level(run)
        kept = run[["tau90_mean", "tau90_low", "tau90_high"]].assign(
            tau90_brownian=line,
            tau90_samples=paired_times(inputs, name, waiting_time=int(waiting_time)),
            frozen=frozen,
            kink=float((line * line["temperature"]).max()) / frozen,
            n_networks=run.attrs["n_networks"],
            chi=run.attrs["chi"],
        )
        parts.append(kept.drop_vars("waiting_time", errors="ignore").expand_dims(waiting_time=[int(waiting_time)]))
    return joined(parts, "waiting_time").assign_attrs(run=name)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1, height=3.2, width=4.4)
    ax = axes[0, 0]
    ages = numbers["waiting_time"].values
    for row, color in zip(range(len(ages)), style.ages(ages), strict=True):
        one = numbers.isel(waiting_time=row)
        hot = one.where(one["temperature"] > 0, drop=True)
        values = hot["tau90_mean"].values
        high = hot["tau90_high"].values
        up = np.where(np.isfinite(high), np.maximum(high - values, 0), 0)
        error = [np.maximum(values - hot["tau90_low"].values, 0), up]
        label = f"$t_w$ = {style.power(float(ages[row]))}"
        ax.errorbar(hot["temperature"], values, yerr=error, color=color, fmt="o", ms=4, capsize=2, label=label)
        if np.isfinite(float(one["frozen"])):
            ax.axhline(float(one["frozen"]), color=color, linewidth=0.8)
    hot = numbers.where(numbers["temperature"] > 0, drop=True)
    ax.plot(
        hot["temperature"], hot["tau90_brownian"].isel(waiting_time=-1), **style.THEORY, label="free Brownian weights"
    )
    seen = numbers["tau90_mean"].values
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$\tau_{90}$ (updates)")
    ax.set_ylim(np.nanmin(seen) / 3, np.nanmax(seen) * 6)
    ax.set_title(title(str(numbers.attrs["run"])))
    style.log_ticks(ax)
    ax.legend(loc="lower left")
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure
