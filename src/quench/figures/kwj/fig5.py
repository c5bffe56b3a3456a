"""KWJ Fig. 5: mean square displacement under Langevin dynamics, one panel per phase, and under SGD; below, local slopes.

Needs ``runs``: one Langevin run per phase; an SGD run of the regularised networks may follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import curves, palette, panels, stacked, title
from quench.observables.displacement import local_slope
from quench.store.variables import config_of

NEEDS = {"runs": 1}
LABEL = "Fig. 5"
SECTION = "III.4 Caging"
TITLE = "Mean square displacement of the weights"
CAPTION = (
    "(a-c) Mean square displacement under Langevin dynamics from hot (red) to cold (blue), with 95 % intervals over "
    "networks. Dotted: slope 1, normal diffusion. Solid: the square of the overlap length eps of Fig. 3. (d) Under SGD, "
    "from small batches (dark, much noise) to large (bright), against updates; dashed and solid: T/(k P_D) and 2T/(k P_D) "
    "with k = lambda and T = 0.1, the variance of one weight in the well and the displacement between two independent "
    "configurations (KWJ Eq. 26 calls the first the displacement). Below: local slopes d log MSD / d log t."
)
MEANS = {
    "epsilon_squared": "square of the overlap length epsilon",
    "slope": "local slope d log MSD / d log t",
    "variance_level": "T/(k P_D), the variance of a weight in the harmonic well",
}
# The temperature of the levels in panel (d) (KWJ App. H).
LEVEL_TEMPERATURE = 0.1


def compute(inputs: FigureInputs) -> xr.Dataset:
    """MSD with its interval and local slope (panel, temperature, lag), squared overlap length (panel).

    ``epsilon_single``: the overlap length of every network. Variables of the SGD run are prefixed ``sgd_`` and have
    dimensions (batch_size, sgd_lag).
    """

    def numbers(name: str, run: xr.Dataset) -> xr.Dataset:
        kept = run[["epsilon_single", *(str(one) for one in run if str(one).startswith("msd_"))]]
        return kept.merge(inputs.single(name, "msd")).assign(
            slope=_slopes(kept["msd_mean"]), epsilon_squared=(run["epsilon_single"] ** 2).mean()
        )

    joined = stacked(inputs, numbers, [name for name in inputs.of("runs") if not _is_sgd(inputs, name)])
    for name in inputs.of("runs"):
        if _is_sgd(inputs, name):
            single = inputs.single(name, "msd", along="batch_size")
            joined = joined.merge(_sgd_numbers(inputs.run(name, along="batch_size").merge(single)))
    return joined


def _is_sgd(inputs: FigureInputs, name: str) -> bool:
    return bool(config_of(inputs.of("runs")[name][0])["trajectory"]["dynamics"] == "sgd")


def _sgd_numbers(run: xr.Dataset) -> xr.Dataset:
    sgd = run[["msd_mean", "msd_low", "msd_high", "msd_single"]].assign(slope=_slopes(run["msd_mean"]))
    stiffness = run.attrs["weight_decay"] or np.nan
    level = LEVEL_TEMPERATURE / (stiffness * run.attrs["P_D"])
    sgd = sgd.assign(variance_level=level, networks=run.attrs["n_networks"])
    sgd = sgd.drop_vars([c for c in sgd.coords if c not in ("batch_size", "lag", "network")])
    return sgd.rename({"lag": "sgd_lag", "network": "sgd_network", **{v: f"sgd_{v}" for v in sgd}})


def _slopes(msd: xr.DataArray) -> xr.DataArray:
    """Local slope of every curve, between points at least a factor of 1.3 apart; closer ones would measure noise."""
    slopes = []
    for curve in msd.transpose(..., "lag"):
        known = curve.dropna("lag")
        lags = known["lag"].values.astype(float)
        grid = [0][: len(lags)]  # empty for a curve of diverged networks
        for index in range(1, len(lags)):
            if lags[index] >= 1.3 * max(lags[grid[-1]], 0.5):
                grid.append(index)
        slopes.append(local_slope(known.isel(lag=grid)).reindex(lag=msd["lag"]).values)
    return xr.DataArray(slopes, dims=(msd.transpose(..., "lag").dims[0], "lag"))


def draw(numbers: xr.Dataset) -> Figure:
    has_sgd, count = "sgd_msd_mean" in numbers, numbers.sizes["panel"]
    figure, axes = style.new(count + has_sgd, rows=2, height=2.6, width=3.1)
    for (top, bottom), (name, one) in zip(axes.T, panels(numbers), strict=False):
        displacements(top, one)
        top.set_title(title(name))
        _local_slopes(bottom, one["slope"], one["lag"].values, palette(one))
    if has_sgd:
        _sgd(axes[0, -1], axes[1, -1], numbers)
    style.outer_labels(axes)
    style.temperature_bar(figure, axes[:, :count].flat, numbers["temperature"].values)
    return style.finish(figure, axes.flat, numbers)


def displacements(ax: Axes, one: xr.Dataset) -> None:
    """MSD curves of one phase, with a guide of slope 1 above the hottest and the level eps^2."""
    curves(ax, one, "msd", positive=True)
    ax.set_xscale("log")
    ax.set_yscale("log")
    shown = one["lag"].values > 0
    lags, means = one["lag"].values[shown], one["msd_mean"].values[:, shown]
    measured = np.isfinite(means[0]) & (means[0] > 0)
    if measured.any():
        first, last = lags[measured][0], lags[measured][-1]
        style.guide(ax, (first, first * (last / first) ** 0.6), 2.5 * means[0][measured][0], 1.0, "slope 1")
    level = float(one["epsilon_squared"])
    ax.axhline(level, **style.LEVEL)
    place: dict[str, Any] = {"xytext": (-2, 2), "textcoords": "offset points", "ha": "right"}
    ax.annotate(r"$\epsilon^2$", (lags[-1], level), **place, fontsize=8, bbox=style.PAPER)
    # The bands of networks that hardly move reach far below any mean.
    ax.set_ylim(bottom=np.nanmin(means[means > 0]) / 10)
    ax.set(xlabel="$t$ (updates)", ylabel="MSD")
    style.log_ticks(ax)


def _local_slopes(ax: Axes, slopes: xr.DataArray, lags: np.ndarray, colors: list[Any]) -> None:
    for values, color in zip(slopes.values, colors, strict=True):
        shown = np.isfinite(values)
        ax.plot(lags[shown], values[shown], color=color, linewidth=1.0)
    for level in (0, 1):
        ax.axhline(level, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(-0.6, 2.4), xlabel="$t$ (updates)", ylabel="local slope of the MSD")
    style.log_ticks(ax)


def _sgd(top: Axes, bottom: Axes, numbers: xr.Dataset) -> None:
    sizes, lags = numbers["batch_size"].values, numbers["sgd_lag"].values
    # Not the colours of temperatures.
    colors = style.ages(sizes)
    for row, color in enumerate(colors):
        label = f"$b$ = {int(sizes[row]):,}"
        style.curve(top, lags, numbers.isel(batch_size=row), "sgd_msd", color, positive=True, label=label)
    level = float(numbers["sgd_variance_level"])
    if np.isfinite(level):
        top.axhline(level, **style.THEORY, label=r"$T/kP_D$, $T=0.1$")
        top.axhline(2 * level, **style.LEVEL, label=r"$2T/kP_D$")
    phase = "regularised, " if np.isfinite(level) else ""
    top.set(xscale="log", yscale="log", xlabel="$t$ (updates)", title=f"{phase}SGD")
    style.log_ticks(top)
    top.legend(loc="lower right", fontsize=6, ncols=2 if len(sizes) > 4 else 1, columnspacing=1)
    _local_slopes(bottom, numbers["sgd_slope"], lags, colors)
