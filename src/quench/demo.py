"""The question of both papers in one picture: the p-spin glass ages; does a small network? From nothing, within a minute."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench import api
from quench.figures import style

TITLE = "A glass and a network"
CAPTION = (
    "(a) Spherical 3-spin glass quenched to T = 0.5, by the Cugliandolo-Kurchan equations: correlation C with the "
    "configuration at t_w. (b) Networks of 16 units in 6 hidden layers that learnt the parity of 500 MNIST digits, in "
    "Langevin dynamics: overlap Q with the weights at t_w, the mean over networks that learnt, with its 95 % interval."
)
AGES = (1, 10, 100, 1000)
TEMPERATURE = 1e-4
CHI = 30


def numbers() -> tuple[xr.Dataset, xr.Dataset]:
    """The solved quench, and the observables of the networks."""
    glass = api.pspin(p=3, temperature=0.5, t_max=1e4, waiting_times=AGES)
    digits = api.prepare("mnist5k", subset=500)
    networks = api.pretrain(digits, width=16, depth=6, weight_decay=0.005, epochs=400)
    run = api.langevin(networks, digits, temperature=TEMPERATURE, waiting_times=AGES, lag_max=3000)
    return glass, api.observe(run, chi=CHI)


def draw(glass: xr.Dataset, networks: xr.Dataset) -> Figure:
    """Both at the same ages."""
    figure, axes = style.new(2)
    for age, color in zip(AGES, style.ages(AGES), strict=True):
        correlation = glass["correlation"].sel(waiting_time=age).isel(lag=slice(1, None))
        axes[0, 0].plot(correlation["lag"], correlation, color=color, label=style.power(age))
        one = networks.sel(waiting_time=age).isel(lag=slice(1, None))
        axes[0, 1].plot(one["lag"], one["overlap_mean"], color=color)
        style.band(axes[0, 1], one["lag"], one["overlap_low"], one["overlap_high"], color)
    axes[0, 0].legend(title="$t_w$")
    _label(axes[0, 0], "3-spin glass", xlabel="$t$", ylabel="$C(t_w + t, t_w)$")
    _label(axes[0, 1], f"network, $T$ = {style.power(TEMPERATURE)}", xlabel="$t$ (updates)", ylabel="$Q(t_w + t, t_w)$")
    return style.finish(figure, axes.flat, networks)


def _label(axes: Axes, title: str, **labels: Any) -> None:
    axes.set(xscale="log", ylim=(0, 1.03), title=title, **labels)
    style.log_ticks(axes)
