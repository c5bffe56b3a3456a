"""KWJ Fig. 5: mean square displacement under Langevin dynamics, one panel a phase, and under SGD; below, local slopes.

Needs ``runs``: one Langevin run a phase, and an SGD run of the regularised networks where the scenario has one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.resampling import interval
from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import palette, panel, stacked, title
from quench.observables.displacement import local_slope
from quench.store.variables import config_of

NEEDS = {"runs": 1}
TITLE = "Mean square displacement of the weights"
CAPTION = (
    "(a-c) Mean square displacement under Langevin dynamics from hot (red) to cold (blue), with 95 % bootstrap intervals "
    "over networks. Dotted: slope 1, normal diffusion. Solid: the square of the overlap length eps of Fig. 3. (d) Under "
    "SGD, from small batches (red, much noise) to large (blue); dashed and solid: T/(k P_D) and 2T/(k P_D) with k = lambda "
    "and T = 0.1, the variance of one weight in the well and the displacement between two independent "
    "configurations (KWJ Eq. 26 calls the first the displacement). Below: local slopes d log MSD / d log t."
)
# KWJ App. H lays the level of this temperature on the panel.
LEVEL_TEMPERATURE = 0.1


def compute(inputs: Inputs) -> xr.Dataset:
    """MSD with its interval and local slope (panel, temperature, lag), squared overlap length (panel); for SGD
    ``sgd_``-prefixed (batch_size, sgd_lag)."""
    langevin = [name for name in inputs.runs if not _is_sgd(inputs, name)]

    names = iter(langevin)

    def numbers(run: xr.Dataset) -> xr.Dataset:
        kept = run[["msd_mean", "msd_low", "msd_high"]]
        value, low, high = _cold_ratio(inputs, next(names))
        return kept.assign(
            slope=_slopes(kept["msd_mean"]),
            epsilon_squared=(run["epsilons"] ** 2).mean(),
            cold_ratio=value,
            cold_ratio_low=low,
            cold_ratio_high=high,
        )

    joined = stacked(inputs, numbers, langevin)
    for name in inputs.runs:
        if _is_sgd(inputs, name):
            run = inputs.run(name, along="batch_size")
            sgd = run[["msd_mean", "msd_low", "msd_high"]].assign(slope=_slopes(run["msd_mean"]))
            stiffness = run.attrs["weight_decay"] or np.nan
            level = LEVEL_TEMPERATURE / (stiffness * run.attrs["P_D"])
            sgd = sgd.assign(variance_level=level, networks=run.attrs["n_networks"])
            sgd = sgd.drop_vars([c for c in sgd.coords if c not in ("batch_size", "lag")])
            joined = joined.merge(sgd.rename({"lag": "sgd_lag", **{v: f"sgd_{v}" for v in sgd}}))
    return joined


def _is_sgd(inputs: Inputs, name: str) -> bool:
    return config_of(inputs.runs[name][0])["trajectory"]["dynamics"] == "sgd"


def _cold_ratio(inputs: Inputs, name: str) -> tuple[float, float, float]:
    """Final MSD at the coldest T > 0 over that at T = 0 of the same networks, and its interval over networks."""
    run = inputs.run(name)
    temperatures = run["temperature"].values
    if temperatures[-1] != 0 or len(temperatures) < 2:
        return np.nan, np.nan, np.nan
    cold, frozen = (dataset["msd"].isel(lag=-1).values for dataset in inputs.networks(name)[-2:])
    # A network at exactly zero loss does not move at T = 0: there is nothing to compare with.
    alive = np.isfinite(cold) & (frozen > 0)
    if not alive.any():
        return np.nan, np.nan, np.nan
    cold, frozen = cold[alive], frozen[alive]
    return interval(lambda chosen: float(cold[chosen].sum() / frozen[chosen].sum()), len(cold))


def _slopes(curves: xr.DataArray) -> xr.DataArray:
    """Local slope of every curve, between points at least a factor 1.3 apart: closer neighbours tell only of noise."""
    slopes = []
    for curve in curves.transpose(..., "lag"):
        known = curve.dropna("lag")
        lags = known["lag"].values.astype(float)
        grid = [0][: len(lags)]  # a curve of lost networks has no point
        for index in range(1, len(lags)):
            if lags[index] >= 1.3 * max(lags[grid[-1]], 0.5):
                grid.append(index)
        slopes.append(local_slope(known.isel(lag=grid)).reindex(lag=curves["lag"]).values)
    return xr.DataArray(slopes, dims=(curves.transpose(..., "lag").dims[0], "lag"))


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    has_sgd = "sgd_msd_mean" in numbers
    count = len(names) + has_sgd
    figure, axes = style.new(count, rows=2, height=2.6, width=3.1)
    for column, name in enumerate(names):
        one = panel(numbers, name)
        displacements(axes[0, column], one)
        _local_slopes(axes[1, column], one["slope"], one["lag"].values, palette(one))
        axes[0, column].set_title(title(name))
    if has_sgd:
        _sgd(axes[0, -1], axes[1, -1], numbers)
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    style.letters(axes.flat)
    style.temperature_bar(figure, axes[:, : len(names)].flat, numbers["temperature"].values)
    style.scale_label(figure, numbers.attrs.get("scale_label", ""))
    return figure


def displacements(ax: Axes, one: xr.Dataset) -> None:
    """MSD curves of one phase with the slope-1 guide above the hottest and the eps^2 line."""
    shown = one["lag"].values > 0
    lags = one["lag"].values[shown]
    for row, color in zip(range(one.sizes["temperature"]), palette(one), strict=True):
        curve = one.isel(temperature=row)
        mean = curve["msd_mean"].values[shown]
        visible = mean > 0
        low, high = curve["msd_low"].values[shown], curve["msd_high"].values[shown]
        style.band(ax, lags[visible], low[visible], high[visible], color)
        ax.plot(lags[visible], mean[visible], color=color)
    ax.set_xscale("log")
    ax.set_yscale("log")
    hottest = one["msd_mean"].values[0][shown]
    measured = np.isfinite(hottest) & (hottest > 0)
    if measured.any():
        first, last = lags[measured][0], lags[measured][-1]
        style.guide(ax, (first, first * (last / first) ** 0.6), 2.5 * hottest[measured][0], 1.0, "slope 1")
    level = float(one["epsilon_squared"])
    ax.axhline(level, **style.LEVEL)
    ax.annotate(
        r"$\epsilon^2$",
        (lags[-1], level),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        bbox=style.PAPER,
    )
    # Bands of networks that hardly move at all reach far below any mean.
    means = one["msd_mean"].values[:, shown]
    ax.set_ylim(bottom=np.nanmin(means[means > 0]) / 10)
    ax.set(xlabel="$t$ (updates)", ylabel="MSD")
    style.log_ticks(ax)


def _local_slopes(ax: Axes, slopes: xr.DataArray, lags: np.ndarray, colors: list) -> None:
    for row, color in enumerate(colors):
        values = slopes.values[row]
        shown = np.isfinite(values)
        ax.plot(lags[shown], values[shown], color=color, linewidth=1.0)
    for level in (0, 1):
        ax.axhline(level, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(-0.6, 2.4), xlabel="$t$ (updates)", ylabel="local slope of the MSD")


def _sgd(top: Axes, bottom: Axes, numbers: xr.Dataset) -> None:
    sizes = numbers["batch_size"].values
    colors = style.colors(1.0 / sizes)
    lags = numbers["sgd_lag"].values
    for row, color in enumerate(colors):
        mean, low, high = (numbers[f"sgd_msd_{end}"].values[row] for end in ("mean", "low", "high"))
        shown = (lags > 0) & (mean > 0)
        style.band(top, lags[shown], low[shown], high[shown], color)
        label = f"$b$ = {int(sizes[row]):,}" if row in (0, len(sizes) // 2, len(sizes) - 1) else None
        top.plot(lags[shown], mean[shown], color=color, label=label)
    level = float(numbers["sgd_variance_level"])
    if np.isfinite(level):
        top.axhline(level, **style.THEORY, label=r"$T/kP_D$, $T=0.1$")
        top.axhline(2 * level, **style.LEVEL, label=r"$2T/kP_D$")
    top.set(xscale="log", yscale="log", xlabel="$t$ (updates)", title="regularised, SGD")
    style.log_ticks(top)
    top.legend(loc="lower right", fontsize=6.5)
    _local_slopes(bottom, numbers["sgd_slope"], lags, colors)
