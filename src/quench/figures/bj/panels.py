"""Pieces that BJ's figures share: learning curves with their crossover times, two-time curves by regime, colours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from quench.estimators.learning import crossovers, final_loss, noise_arrival
from quench.estimators.rescaling import RESCALINGS, TwoTimeCurves, scores
from quench.figures import style
from quench.figures.stacking import stack_panels
from quench.numerics import intervals

TITLES = {
    "A": "A: Toy",
    "A-under": "A′: under-parameterised",
    "B": "B: fully connected",
    "C": "C: Small Net",
    "D": "D: ResNet-18",
}
TRAIN, TEST = style.HEAT(0.08), style.HEAT(0.92)
AGES = mpl.colormaps["viridis"]
# Longest lag at which curves are compared: one epoch, or half the run, which every t_w covers.
WINDOWS = ("epoch", "half")
REGIMES = ("exploration", "ageing", "bottom")
BOUNDS = ("value", "low", "high")
CURVES: dict[str, intervals.Scale] = {
    "train_loss": "log",
    "test_loss": "log",
    "train_accuracy": "logit",
    "test_accuracy": "logit",
    "noise": "log",
    "gradient_square": "linear",
}


def title(training: xr.Dataset) -> str:
    model = str(training.attrs["model"])
    return TITLES.get(model, model)


def two_time(training: xr.Dataset) -> TwoTimeCurves:
    """Displacements and noise of a classifier's networks that did not diverge."""
    alive = training.isel(network=training["diverged_at"].values < 0)
    return TwoTimeCurves(
        alive["waiting_time"].values,
        alive["start_time"].values,
        alive["lag"].values,
        alive["displacement"].values,
        alive["time"].values,
        alive["noise"].values,
        alive["gradient_square"].values,
        alive["gradient_square_error"].values,
        training.attrs["rate"],
        training.attrs["batch_size"],
        training.attrs["n_weights"],
    )


def facts(training: xr.Dataset) -> dict[str, float | int]:
    """Parameters of a training, and its numbers of networks."""
    known = training.attrs
    return {
        "rate": known["rate"],
        "batch_size": known["batch_size"],
        "n_weights": known["n_weights"],
        "n_train": known["n_train"],
        "constant_loss": known["constant_loss"],
        "steps": known["steps"],
        "epoch": -(-known["n_train"] // known["batch_size"]),
        "n_networks": known["n_networks"],
        "n_diverged": int((training["diverged_at"].values >= 0).sum()),
    }


def learning(training: xr.Dataset) -> xr.Dataset:
    """Mean learning curves with their intervals, t1 and t2 with their sensitivity and intervals, and the final loss.

    ``<name>_single``: the same of every network that did not diverge.
    """
    alive = training.isel(network=training["diverged_at"].values < 0)
    times, count = training["time"].values, alive.sizes["network"]
    found: dict[str, Any] = {}
    for name, scale in CURVES.items():
        values = alive[name].transpose("network", "time").values
        low, high = intervals.jackknife(intervals.without_each(count) @ values if count else values, scale)
        found |= {name: ("time", values.mean(axis=0)), f"{name}_low": ("time", low), f"{name}_high": ("time", high)}
        found[f"{name}_single"] = (("network", "time"), values)
    loss = alive["train_loss"].values
    for symbol, crossover in zip(("t1", "t2"), crossovers(times, loss, training.attrs["constant_loss"]), strict=True):
        found[symbol] = crossover.time
        found[f"{symbol}_sensitivity"] = ("end", sorted(crossover.sensitivity))
        found[f"{symbol}_interval"] = ("end", list(crossover.interval))
        found[f"{symbol}_single"] = ("network", list(crossover.single) or np.full(count, np.nan))
    ends = np.array([final_loss(times, one) for one in loss])
    found |= {"final_loss": ("bound", bounds(ends, "log")), "final_loss_single": ("network", ends)}
    found["noise_arrival"] = noise_arrival(times, alive["noise"].values.mean(axis=0))
    coordinates = {"time": times, "bound": list(BOUNDS), "network": np.arange(count)}
    return xr.Dataset(found | facts(training), coords=coordinates)


def bounds(numbers: ArrayLike, scale: intervals.Scale = "linear") -> list[float]:
    """Mean of one number per network and the ends of its interval, along the dimension ``bound``."""
    return list(intervals.mean(numbers, scale)[:3])


def score_bounds(score: xr.DataArray, n_networks: int) -> np.ndarray:
    """Value and ends of the interval, (bound, ...), of collapse scores (..., left_out) of ``n_networks``."""
    values = score.transpose("left_out", ...).values[: 1 + n_networks if n_networks > 1 else 1]
    return np.stack([values[0], *intervals.jackknife(values, "log")])


def stacked(parts: dict[str, xr.Dataset]) -> xr.Dataset:
    """One dataset per classifier along a new dimension ``panel``; NaN where one has no such time or lag."""
    return stack_panels([part.expand_dims(panel=[name]) for name, part in parts.items()])


def displacements(training: xr.Dataset) -> xr.Dataset:
    """Displacements of one classifier (waiting_time, lag) and of its networks, its crossover times and collapse scores."""
    known = learning(training).drop_dims("time")
    curves = two_time(training)
    return known.assign(
        displacement=(("waiting_time", "lag"), curves.rescaled("raw")),
        displacement_single=(("network", "waiting_time", "lag"), curves.single("raw")),
        score=collapse(curves, *(known[key].item() for key in ("t1", "t2", "epoch", "steps"))),
    ).assign_coords(waiting_time=curves.waiting_times, lag=curves.lags)


def collapse(curves: TwoTimeCurves, t1: float, t2: float, epoch: int, steps: int) -> xr.DataArray:
    """Collapse scores (regime, window, rescaling, left_out); NaN where a regime has fewer than three waiting times.

    exploration: t_w < t1 and lags up to t1; ageing: t1 <= t_w <= t2, without a t2 to the end of the run; bottom: t_w >= t2.
    The window "epoch" has lags up to one epoch, "half" up to half the run. Row 0 along ``left_out`` is that of all networks,
    the others leave out one each.
    """
    last = t2 if np.isfinite(t2) else curves.waiting_times[-1]
    waiting = {"exploration": (0, t1), "ageing": (t1, last), "bottom": (t2, np.inf)}
    count = len(curves.displacement)
    rows = 1 + count if count > 1 else 1
    table = np.full((len(REGIMES), len(WINDOWS), len(RESCALINGS), rows), np.nan)
    for i, regime in enumerate(REGIMES):
        for j, window in enumerate((epoch, steps // 2)):
            longest = min(window, t1) if regime == "exploration" else window
            if not (np.isfinite(waiting[regime]).any() and longest > 1):
                continue
            for k, rescaling in enumerate(RESCALINGS):
                table[i, j, k] = scores(curves, rescaling, waiting[regime], (1, longest))
    names = {"regime": list(REGIMES), "window": list(WINDOWS), "rescaling": list(RESCALINGS)}
    return xr.DataArray(table, dims=(*names, "left_out"), coords=names | {"left_out": np.arange(rows)})


def ages(waiting_times: ArrayLike) -> list[Any]:
    """Colours from dark (young) to bright (old), linear in log t_w; t_w = 0 is the darkest."""
    values = np.log1p(np.asarray(waiting_times, dtype=float))
    span = (values.max() - values.min()) or 1.0
    return [AGES(0.93 * (v - values.min()) / span) for v in values]


def curves_by_age(ax: Axes, curves: xr.DataArray, chosen: np.ndarray, colors: list[Any]) -> None:
    """One line per chosen waiting time of ``curves`` (waiting_time, lag)."""
    lags = curves["lag"].values
    for row in np.flatnonzero(chosen):
        values = curves.values[row]
        known = np.isfinite(values) & (values > 0)
        ax.plot(lags[known], values[known], color=colors[row], lw=1.1)
    ax.set(xscale="log", yscale="log", xlabel="$t$ (updates)")
    style.log_ticks(ax)


def age_bar(figure: Figure, axes: Iterable[Axes], waiting_times: ArrayLike) -> None:
    """A colour bar of log t_w beside ``axes``."""
    positive = [t for t in np.asarray(waiting_times, float) if t > 0]
    norm = mpl.colors.LogNorm(min(positive), max(positive))
    listed = mpl.colors.ListedColormap(AGES(np.linspace(0, 0.93, 256)))
    bar = figure.colorbar(mpl.cm.ScalarMappable(norm, listed), ax=list(axes), pad=0.015, aspect=30, shrink=0.95)
    bar.ax.set_title("$t_w$", fontsize=9)


def mark_crossovers(ax: Axes, one: xr.Dataset, label: bool = True) -> None:
    """t1 and t2 as lines, their sensitivity ranges as bands."""
    for symbol, text in (("t1", "$t_1$"), ("t2", "$t_2$")):
        value = float(one[symbol])
        if not np.isfinite(value):
            continue
        low, high = one[f"{symbol}_sensitivity"].values
        if np.isfinite([low, high]).all():
            ax.axvspan(low, high, color="0.9", lw=0, zorder=0)
        ax.axvline(value, color="0.35", lw=0.8, ls="--", zorder=1)
        if label:
            place: dict[str, Any] = {"xy": (value, 1), "xycoords": ("data", "axes fraction")}
            ax.annotate(text, **place, xytext=(2, -3), textcoords="offset points", va="top", fontsize=8)
