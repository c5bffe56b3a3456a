"""Persistence: the share of weights that have never left, beside those that have left and come back.

Needs ``replicas``: Langevin runs, with one replica or more.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import panels, title
from quench.figures.ours.replicas import at_level, averaged, diffusion, stacked
from quench.theory import brownian

NEEDS = {"replicas": 1}
LABEL = "Persistence"
TITLE = "Weights that never left, and weights that came back"
CAPTION = (
    "Top: share P of weights that were within epsilon of w(t_w) at every fifth update up to lag t, means over networks with "
    "95 % intervals; dashed: free Brownian weights at the same temperatures, without a free parameter (Siegmund 1979). "
    "Bottom: share (Q - P)/Q of the weights within epsilon that had left before, against the overlap Q; dashed: free "
    "weights. It is 0 where weights leave for good, as a drift makes them."
)
# The overlap at which the returned shares are compared.
LEVEL = 0.6
_SHOWN = {
    "persistence": "share P of weights that were within epsilon at every look",
    "returned": "share (Q - P)/Q of the weights within epsilon that had left before",
}
MEANS = {f"{name}{end}": text for name, text in _SHOWN.items() for end in ("", "_single")} | {
    "free_persistence": "share P of free Brownian weights",
    "free_returned": "share (Q - P)/Q of free Brownian weights",
    "excess_single": "P minus that of free Brownian weights, of each network",
    "level_returned_single": "share (Q - P)/Q at the overlap of the claim, of each network",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """P, Q and the returned share (panel, temperature, lag), of free weights, and ``_single`` (..., network)."""
    return stacked(inputs, _numbers)


def _numbers(measured: xr.Dataset) -> xr.Dataset:
    """One temperature of one run, at the lags that are looked at."""
    lags = measured["lag"].values
    looked = measured.isel(lag=(lags > 0) & (lags % brownian.STRIDE == 0))
    D, epsilon = diffusion(measured), looked["epsilon"].values[:, None]
    free_overlap = brownian.overlap(looked["lag"].values, epsilon, D)
    free = looked["overlap"].copy(data=brownian.persistence(looked["lag"].values, epsilon, D, brownian.STRIDE))
    returned = 1 - looked["persistence"] / looked["overlap"].where(looked["overlap"] > 0)
    shown = {"persistence": looked["persistence"], "overlap": looked["overlap"], "returned": returned}
    crossed = at_level(xr.Dataset(shown), LEVEL)
    means = {f"{name}_{end}": one for name, values in shown.items() for end, one in averaged(values).items()}
    return xr.Dataset(
        means
        | {
            "free_persistence": free.mean("network"),
            "free_overlap": ("lag", free_overlap.mean(axis=0)),
            "free_returned": (1 - free / free_overlap).mean("network"),
            "excess_single": looked["persistence"] - free,
            "level_returned_single": crossed["returned"],
            "n_networks": int(np.isfinite(looked["overlap"].values).all(axis=1).sum()),
        }
    )


def draw(numbers: xr.Dataset) -> Figure:
    shown = list(panels(numbers))
    figure, axes = style.new(len(shown), rows=2)
    for (top, bottom), (name, one) in zip(axes.T, shown, strict=True):
        for place, color in enumerate(style.colors(one["temperature"], numbers["temperature"])):
            _curves(top, bottom, one.isel(temperature=place), color)
        top.set(xscale="log", xlabel="$t$ (updates)", ylabel="persistence $P$", ylim=(0, 1.02), title=title(name))
        bottom.set(xlabel="overlap $Q$", ylabel="returned share $(Q-P)/Q$", xlim=(1, 0), ylim=(-0.02, 1))
    style.outer_labels(axes)
    style.temperature_bar(figure, axes.flat, numbers["temperature"])
    return style.finish(figure, axes.flat, numbers)


def _curves(top: Axes, bottom: Axes, one: xr.Dataset, color: object) -> None:
    one = one.dropna("lag", subset=["overlap_mean"])
    style.curve(top, one["lag"].values, one, "persistence", color)
    top.plot(one["lag"], one["free_persistence"], color=color, lw=0.8, ls="--")
    bottom.plot(one["overlap_mean"], one["returned_mean"], color=color)
    bottom.plot(one["free_overlap"], one["free_returned"], **style.THEORY)
