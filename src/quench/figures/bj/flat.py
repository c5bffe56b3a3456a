"""Flat directions during training: shares of flat and of negative curvature, spectra, barriers on straight lines.

Needs ``classifiers`` and ``flatness``: the same ones, one per row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.numerics import intervals

NEEDS = {"classifiers": 1, "flatness": 1}
LABEL = "Sec. 3.2, 4"
SECTION = "Beyond the paper"
TITLE = "Flat directions"
CAPTION = (
    "Hessian of the training loss during the run, one row per kind of network. (a) Share of directions with |lambda| < "
    "theta (flat) and with lambda < -theta (negative), mean and 95 % band over networks: solid lines for the fixed theta "
    "= 10^-3 lambda_max(0), pale ones for theta = 10^-3 lambda_max(t); grey: lambda_max(t) over its largest value; "
    "dashed: t1, t2. (b) Cumulative distribution of |lambda| / lambda_max, from early to late. (c) Loss on straight lines "
    "between successive configurations of one network, and between two networks at the end; u: position on the line."
)
THRESHOLD = 1e-3
MAGNITUDES = np.geomspace(1e-8, 1, 81)
MEANS = {
    "line": "number of the straight line in weight space",
    "magnitude": "|eigenvalue| over the largest",
    "cumulative": "share of directions with |lambda| below",
    "largest": "largest eigenvalue of the Hessian, mean over networks",
    "smallest": "smallest eigenvalue over the largest, mean over networks",
    "flat": "share of directions with |lambda| below a thousandth of the largest eigenvalue at the start",
    "negative": "share of directions with lambda below minus a thousandth of the largest eigenvalue at the start",
    "flat_relative": "share of directions with |lambda| below a thousandth of the largest eigenvalue at that time",
    "negative_relative": "share of directions with lambda below minus a thousandth of the largest eigenvalue at that time",
    "line_seeds_differ": "whether a line joins two networks",
    "line_start": ("update at the start of the line", "updates"),
    "full": "whether the whole spectrum is known",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Shares (panel, measured), cumulative spectra (panel, measured, magnitude), losses on lines (panel, line, point)."""
    parts = {}
    for name in inputs.of("flatness"):
        found, training = inputs.of("flatness")[name][0], inputs.training(name)
        known = panels.learning(training).drop_dims(["time", "network"])
        at = found.sel(threshold=THRESHOLD)
        largest = found["edges"].isel(edge=1)
        relative = np.abs(found["nodes"]) / largest
        cumulative = xr.concat(
            [(found["node_weights"] * (relative <= x)).sum("node").mean(("network", "probe")) for x in MAGNITUDES],
            xr.DataArray(MAGNITUDES, dims="magnitude", name="magnitude"),
        )
        shares = _shares_of(found)
        shares |= {f"{kind}_relative": at[kind].isel(bound=0).mean("network") for kind in ("flat", "negative")}
        ends = found["line_ends"].values
        part = known.assign(
            title=panels.title(training),
            cumulative=cumulative,
            largest=largest.mean("network"),
            smallest=(found["edges"].isel(edge=0) / largest).mean("network"),
            line_loss=found["line_loss"],
            line_seeds_differ=("line", (ends[:, 0, 0] != ends[:, 1, 0]).astype(float)),
            line_start=("line", ends[:, 0, 1]),
            full=int(found.sizes["probe"] == 1),
            **shares,
        )
        # Numbered, so that panels with different numbers of lines can be stacked.
        part = part.assign_coords(line=np.arange(part.sizes["line"]), network=np.arange(part.sizes["network"]))
        parts[name] = part.rename(time="measured").drop_vars("threshold", errors="ignore")
    return panels.stacked(parts)


def _shares_of(found: xr.Dataset) -> dict[str, Any]:
    """Shares of flat and of negative curvature relative to the largest eigenvalue at the first time, by its names.

    One threshold for all times: relative to the largest eigenvalue of each time, a share follows that eigenvalue.
    """
    threshold = THRESHOLD * found["edges"].isel(edge=1, time=0)
    shares: dict[str, Any] = {}
    for kind, chosen in (("flat", abs(found["nodes"]) < threshold), ("negative", found["nodes"] < -threshold)):
        single = (found["node_weights"] * chosen).sum("node").mean("probe").transpose("network", "time")
        low, high = intervals.jackknife(intervals.without_each(len(single)) @ single.values, "logit")
        shares |= {kind: single.mean("network"), f"{kind}_single": single}
        shares |= {f"{kind}_low": ("time", low), f"{kind}_high": ("time", high)}
    return shares


def draw(numbers: xr.Dataset) -> Figure:
    names = numbers["panel"].values
    figure, axes = style.new(3, rows=len(names), height=2.7, width=3.0)
    for row, name in enumerate(names):
        one = numbers.sel(panel=name)
        here = one.dropna("measured", subset=["flat"])
        _shares(axes[row, 0], here)
        _spectra(axes[row, 1], here)
        _lines(axes[row, 2], one)
        axes[row, 0].set_title(f"{one['title'].values}, $M$ = {int(one['n_weights']):,}", loc="right")
    style.legend_above(axes[0, 0], ncols=3, fontsize=7, columnspacing=1)
    style.legend_above(axes[0, 2])
    style.log_ticks(axes[0, 2])
    return style.finish(figure, axes.flat, numbers)


def _shares(ax: Axes, one: xr.Dataset) -> None:
    # On the log axis t = 0 is drawn at 1.
    times = np.where(one["measured"].values > 0, one["measured"].values, 1)
    for kind, color, text in (("flat", panels.TRAIN, "flat"), ("negative", panels.TEST, "negative")):
        style.band(ax, times, one[f"{kind}_low"], one[f"{kind}_high"], color)
        ax.plot(times, one[f"{kind}_relative"], color=color, alpha=0.35)
        ax.plot(times, one[kind], "o-", ms=3, color=color, label=text)
    ax.plot(times, one["largest"] / one["largest"].max(), color="0.6", lw=1, label=r"$\lambda_{max}(t)$")
    panels.mark_crossovers(ax, one)
    ax.set(xscale="log", xlabel="$t$ (updates; 0 at the left)", ylabel="share of directions", ylim=(0, 1))
    style.log_ticks(ax)


def _spectra(ax: Axes, one: xr.Dataset) -> None:
    colors = panels.ages(one["measured"].values)
    for row, color in enumerate(colors):
        at = one.isel(measured=row)
        ax.plot(one["magnitude"], at["cumulative"], color=color, label=f"$t$ = {int(at['measured'])}")
    ax.axvline(THRESHOLD, **style.GUIDE)
    ax.set(xscale="log", ylim=(0, 1.02), xlabel=r"$|\lambda| / \lambda_{max}$", ylabel="cumulative share")
    style.log_ticks(ax)
    style.legend_above(ax, ncols=3, fontsize=7, columnspacing=1)


def _lines(ax: Axes, one: xr.Dataset) -> None:
    one = one.dropna("line", subset=["line_loss"])
    starts = one["line_start"].values
    colors = panels.ages(starts) if len(starts) else []
    for row, color in enumerate(colors):
        line = one.isel(line=row)
        between = bool(line["line_seeds_differ"])
        ax.plot(line["point"], line["line_loss"], color="black" if between else color, ls="--" if between else "-")
    ax.plot([], [], "k--", label="between networks")
    ax.plot([], [], color=panels.AGES(0.5), label="along a run")
    ax.set(yscale="log", xlabel="$u$", ylabel="training loss")
    style.log_ticks(ax)
