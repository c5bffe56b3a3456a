"""The panels of the phase diagram (KWJ Fig. 1, A3): numbers from scans, and their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators import transitions
from quench.figures import style
from quench.numerics import intervals

# Smaller losses are drawn at this value: for a fitted set they are zero up to float32 rounding.
FLOOR = 1e-12


def fitting(scan: xr.Dataset) -> xr.Dataset:
    """Data loss of every network against N/P_D on the line lambda = 0, and N*/P_D with its interval."""
    line = scan.isel(point=np.flatnonzero(scan["weight_decay"].values == 0)).sortby("n_weights")
    ratio = line["n_weights"].values / scan.attrs["P_D"]
    loss = line["data_loss"].values
    value, low, high, _ = transitions.fitting_threshold(ratio, loss)
    return xr.Dataset(
        {
            "uot_loss": (("uot_point", "uot_network"), loss),
            # A diverged network has not fitted the data: it counts as a large loss, not as none.
            "uot_median": ("uot_point", np.median(np.where(np.isfinite(loss), loss, np.inf), axis=1)),
            "uot_threshold": value,
            "uot_threshold_low": low,
            "uot_threshold_high": high,
            "uot_diverged": int((line["diverged_at"].values >= 0).sum()),
            "uot_epochs": scan.attrs["epochs"],
        },
        coords={"uot_ratio": ("uot_point", ratio), "uot_width": ("uot_point", line["width"].values)},
    )


def trivialising(scan: xr.Dataset) -> xr.Dataset:
    """Total loss of every network against lambda at one width, its lambda*, and their median with its interval."""
    line = scan.isel(point=np.flatnonzero(scan["weight_decay"].values > 0)).sortby("weight_decay")
    strengths, loss = line["weight_decay"].values, line["loss"].values
    thresholds = transitions.trivialisation(strengths, loss)
    value, low, high, _ = intervals.median(thresholds)
    return xr.Dataset(
        {
            "ttt_loss": (("ttt_point", "ttt_network"), loss),
            "ttt_state": (("ttt_point", "ttt_network"), line["state"].values),
            "ttt_mean": ("ttt_point", np.nanmean(loss, axis=1)),
            "ttt_norm": (("ttt_point", "ttt_network"), line["squared_norm"].values),
            "ttt_thresholds": ("ttt_network", thresholds),
            "ttt_threshold": value,
            "ttt_threshold_low": low,
            "ttt_threshold_high": high,
            "ttt_diverged": int((line["diverged_at"].values >= 0).sum()),
            "ttt_width": int(line["width"].values[0]),
        },
        coords={"ttt_strength": ("ttt_point", strengths)},
    )


# Loss against a direction u in weight space, -1 to 1, in each phase: a sketch.
LANDSCAPES: dict[str, Callable[[Any], Any]] = {
    "quadratic": lambda u: 0.1 + 0.9 * u**2,
    "regularised": lambda u: 0.3 + 0.5 * u**2 + 0.12 * np.cos(9 * u),
    "under": lambda u: 0.4 + 0.2 * u**2 + 0.15 * np.cos(12 * u) + 0.08 * np.sin(19 * u),
    "over": lambda u: np.maximum(0.0, 0.45 * np.sin(5 * u - 0.4) - 0.1),
}
# A mean of logarithms starts here: a fitted set has a loss of exactly 0.
_SMALLEST = 1e-20
_AVERAGES: dict[str, Callable[..., Any]] = {
    # A diverged network counts as one that has not fitted the data.
    "median": lambda losses, axis: np.median(np.where(np.isfinite(losses), losses, np.inf), axis=axis),
    "mean": np.nanmean,
    "geometric": lambda losses, axis: np.exp(np.nanmean(np.log(np.maximum(losses, _SMALLEST)), axis=axis)),
}


def grid(scan: xr.Dataset, average: str = "median") -> xr.Dataset:
    """The ``average`` total loss on the (N/P_D, lambda) plane, and the median lambda* at every width.

    Both of every network, too.
    """
    widths, strengths = np.unique(scan["width"].values), np.unique(scan["weight_decay"].values)
    rows = np.searchsorted(strengths, scan["weight_decay"].values)
    columns = np.searchsorted(widths, scan["width"].values)
    table, data = np.full((2, len(strengths), len(widths), scan.sizes["network"]), np.nan)
    table[rows, columns], data[rows, columns] = scan["loss"].values, scan["data_loss"].values
    ratio = np.full(len(widths), np.nan)
    ratio[columns] = scan["n_weights"].values / scan.attrs["P_D"]
    positive = strengths > 0
    boundary = np.array(
        [transitions.trivialisation(strengths[positive], column) for column in table[positive].swapaxes(0, 1)]
    )
    by_network = ("map_strength", "map_width", "map_network")
    return xr.Dataset(
        {
            "map_loss": (by_network[:2], _AVERAGES[average](table, axis=2)),
            "map_loss_single": (by_network, table),
            "map_data_loss_single": (by_network, data),
            "map_threshold": ("map_width", [intervals.median(row).value for row in boundary]),
            "map_threshold_single": (("map_width", "map_network"), boundary),
            "map_networks": scan.sizes["network"],
            "map_diverged": int((scan["diverged_at"].values >= 0).sum()),
        },
        coords={"map_strength": strengths, "map_width": widths, "map_ratio": ("map_width", ratio)},
        attrs={"average": average},
    )


def draw_fitting(ax: Axes, numbers: xr.Dataset) -> None:
    """Fig. 1b: one point per network, the median, and N*/P_D."""
    ratio = numbers["uot_ratio"].values
    loss = np.maximum(numbers["uot_loss"].values, FLOOR)
    ax.plot(ratio, loss, "o", color=style.HEAT(0.08), ms=3, alpha=0.45, mew=0)
    ax.plot(ratio, np.maximum(numbers["uot_median"], FLOOR), color=style.HEAT(0.95), label="median")
    _threshold(ax, numbers, "uot", "$N^*/P_D$ =")
    ax.axhline(transitions.FITTED, **style.GUIDE)
    ax.set(xscale="log", yscale="log", ylim=(FLOOR / 3, 1), xlabel="$N/P_D$", ylabel=r"final loss, $\lambda=0$")
    style.log_ticks(ax)
    decades = ax.yaxis.get_major_formatter()
    ax.yaxis.set_major_formatter(lambda loss, _: "0" if loss <= FLOOR else decades(loss))
    ax.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))
    ax.legend(loc="lower left")
    _note_diverged(ax, int(numbers["uot_diverged"]))


def draw_trivialising(ax: Axes, numbers: xr.Dataset) -> None:
    """Fig. 1c: one line per network, the mean, and a tick at every network's lambda*."""
    strength = numbers["ttt_strength"].values
    ax.plot(strength, numbers["ttt_loss"], color=style.HEAT(0.08), alpha=0.3, linewidth=0.9)
    ax.plot(strength, numbers["ttt_mean"], color=style.HEAT(0.95), linewidth=1.8, label="mean")
    _threshold(ax, numbers, "ttt", r"median $\lambda^*$:")
    single = numbers["ttt_thresholds"].values
    ax.plot(single, np.full(single.shape, 0.02), "|", color=style.HEAT(0.08), ms=8, label=r"$\lambda^*$ of each")
    ax.axhline(transitions.ZERO_WEIGHTS_LOSS, **style.GUIDE)
    ax.annotate("$W=0$", (strength[0], 0.5), xytext=(2, -11), textcoords="offset points", fontsize=7.5, color="0.25")
    ax.set(xscale="log", ylim=(0, 0.56), xlabel=r"$\lambda$", ylabel=rf"final loss, $n={int(numbers['ttt_width'])}$")
    style.legend_above(ax, fontsize=7, handlelength=1.5)
    _note_diverged(ax, int(numbers["ttt_diverged"]))


def draw_grid(ax: Axes, numbers: xr.Dataset) -> None:
    """Fig. 1a: loss as colour, one row of equal height per lambda, and the names of the four phases."""
    ratio, strengths = numbers["map_ratio"].values, numbers["map_strength"].values
    middle = np.sqrt(ratio[1:] * ratio[:-1]) if len(ratio) > 1 else np.empty(0)
    step = middle[0] / ratio[0] if middle.size else 1.5
    edges = np.concatenate([[ratio[0] / step], middle, [ratio[-1] * step]])
    rows = np.arange(len(strengths) + 1)
    norm = mpl.colors.LogNorm(1e-3, 0.5)
    shown = np.maximum(numbers["map_loss"].values, 1e-9)
    mesh = ax.pcolormesh(edges, rows, shown, cmap="cividis", norm=norm, linewidth=0, rasterized=True)
    bar = ax.figure.colorbar(mesh, ax=ax, extend="min", pad=0.02)
    bar.set_label(f"final loss ({numbers.attrs['average']})", fontsize=8)
    boundary = np.interp(np.log(numbers["map_threshold"]), np.log(np.maximum(strengths, 1e-9)), rows[:-1] + 0.5)
    known = np.isfinite(numbers["map_threshold"].values)
    ax.step(
        np.repeat(edges, 2)[1:-1],
        np.repeat(np.where(known, boundary, np.nan), 2),
        color="white",
        linewidth=1.8,
        where="mid",
    )
    ax.axhline(1, color="white", linewidth=0.8, linestyle=":")
    place: dict[str, Any] = {"fontsize": 8.5, "fontweight": "bold", "ha": "center", "va": "center"}
    centre = np.sqrt(edges[0] * edges[-1])
    top = float(np.nanmean(boundary)) if known.any() else len(strengths) / 2
    ax.text(centre, (top + len(strengths)) / 2, "quadratic", color="0.1", **place)
    ax.text(centre, (top + 1) / 2, "regularised", color="white", **place)
    if "uot_threshold" in numbers and edges[0] < float(numbers["uot_threshold"]) < edges[-1]:
        threshold = float(numbers["uot_threshold"])
        ax.plot([threshold] * 2, [0, 1], color="white", linewidth=1.8)
        sides = ((np.sqrt(edges[0] * threshold), "under"), (np.sqrt(threshold * edges[-1]), "over"))
        for x, word in sides:
            ax.text(x, 0.5, word, color="white", **(place | {"fontsize": 7.5}))
    ax.set_xscale("log")
    ax.set(xlabel="$N/P_D$", ylabel=r"$\lambda$ (rows not to scale)", xlim=edges[[0, -1]], ylim=(0, len(strengths)))
    ax.set_yticks(rows[:-1] + 0.5, [f"{s:g}" for s in strengths], fontsize=7)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:g}"))


def sketch_landscapes(ax: Axes) -> None:
    """Above Fig. 1a: the loss along a direction of weight space in each phase, schematically."""
    u = np.linspace(-1, 1, 200)
    for index, (phase, loss) in enumerate(LANDSCAPES.items()):
        inset = ax.inset_axes((0.12 + 0.225 * index, 1.02, 0.205, 0.14))
        inset.plot(u, loss(u), color=style.HEAT(0.08), linewidth=1.1)
        inset.axhline(0, **style.GUIDE)
        inset.set(xticks=[], yticks=[], ylim=(-0.1, 1.05))
        inset.set_title(phase, fontsize=6.5, pad=1.5)


def _threshold(ax: Axes, numbers: xr.Dataset, scan: str, label: str) -> None:
    """The threshold of a scan as a line, its interval as a band."""
    value, *ends = (float(numbers[f"{scan}_threshold{end}"]) for end in ("", "_low", "_high"))
    if np.isfinite(value) and value > 0:
        if np.isfinite(ends).all():
            ax.axvspan(*ends, color="0.85", lw=0)
        ax.axvline(value, **style.THEORY, label=f"{label} {value:.2g}")


def _note_diverged(ax: Axes, count: int) -> None:
    if count:
        ax.text(0.98, 0.97, f"{count} networks diverged", transform=ax.transAxes, ha="right", va="top", fontsize=7)
