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
from quench.estimators.resampling import interval
from quench.estimators.rescaling import RESCALINGS, TwoTimeCurves, score_gain, score_with_interval
from quench.figures import style
from quench.figures.stacking import stack_panels

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
    """Mean learning curves with their range over networks, and t1, t2 with their sensitivity and bootstrap ranges."""
    alive = training.isel(network=training["diverged_at"].values < 0)
    times = training["time"].values
    curves = {}
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "noise", "gradient_square"):
        values = alive[name].values
        curves[name] = ("time", values.mean(axis=0))
        curves[f"{name}_low"], curves[f"{name}_high"] = ("time", values.min(axis=0)), ("time", values.max(axis=0))
    loss = alive["train_loss"].values
    found: dict[str, Any] = {}
    for symbol, crossover in zip(("t1", "t2"), crossovers(times, loss, training.attrs["constant_loss"]), strict=True):
        found[symbol] = crossover.time
        found[f"{symbol}_sensitivity"] = ("end", sorted(crossover.sensitivity))
        found[f"{symbol}_bootstrap"] = ("end", list(crossover.bootstrap))
    ends = np.array([final_loss(times, one) for one in loss])
    final = interval(lambda chosen: ends[chosen].mean(), len(ends))
    t_noise = noise_arrival(times, alive["noise"].values.mean(axis=0))
    return xr.Dataset(
        curves | found | {"final_loss": ("bound", list(final)), "noise_arrival": t_noise} | facts(training),
        coords={"time": times, "bound": list(BOUNDS)},
    )


def stacked(parts: dict[str, xr.Dataset]) -> xr.Dataset:
    """One dataset per classifier along a new dimension ``panel``; NaN where one has no such time or lag."""
    return stack_panels([part.expand_dims(panel=[name]) for name, part in parts.items()])


def displacements(training: xr.Dataset) -> xr.Dataset:
    """Averaged displacements of one classifier (waiting_time, lag), its crossover times and collapse scores."""
    known = learning(training).drop_dims("time")
    curves = two_time(training)
    score = scores(curves, *(known[key].item() for key in ("t1", "t2", "epoch", "steps")))
    return known.assign(displacement=(("waiting_time", "lag"), curves.rescaled("raw")), score=score).assign_coords(
        waiting_time=curves.waiting_times, lag=curves.lags
    )


def scores(curves: TwoTimeCurves, t1: float, t2: float, epoch: int, steps: int) -> xr.DataArray:
    """Collapse scores (regime, window, rescaling, bound); NaN where a regime has fewer than three waiting times.

    exploration: t_w <= t1 / 2 and lags up to t1; ageing: t1 <= t_w <= t2; bottom: t_w >= t2. The window "epoch" has lags
    up to one epoch, "half" up to half the run.
    """
    waiting = _waiting(curves, t1, t2)
    table = np.full((len(REGIMES), len(WINDOWS), len(RESCALINGS), 3), np.nan)
    for i, regime in enumerate(REGIMES):
        for j, window in enumerate((epoch, steps // 2)):
            longest = min(window, t1) if regime == "exploration" else window
            if not (np.isfinite(waiting[regime]).any() and longest > 1):
                continue
            for k, rescaling in enumerate(RESCALINGS):
                table[i, j, k] = score_with_interval(curves, rescaling, waiting[regime], (1, longest))
    return xr.DataArray(
        table,
        dims=("regime", "window", "rescaling", "bound"),
        coords={
            "regime": list(REGIMES),
            "window": list(WINDOWS),
            "rescaling": list(RESCALINGS),
            "bound": list(BOUNDS),
        },
    )


def _waiting(curves: TwoTimeCurves, t1: float, t2: float) -> dict[str, tuple[float, float]]:
    """Waiting times of every regime; without a t2, ageing lasts to the end of the run."""
    last = t2 if np.isfinite(t2) else curves.waiting_times[-1]
    return {"exploration": (0, t1 / 2), "ageing": (t1, last), "bottom": (t2, np.inf)}


def gain(curves: TwoTimeCurves, t1: float, t2: float, steps: int) -> xr.DataArray:
    """Score of the accumulated noise over that of D(t_w) at the bottom, for lags up to half the run (bound)."""
    found = score_gain(
        curves, "accumulated_noise", "initial_noise", _waiting(curves, t1, t2)["bottom"], (1, steps // 2)
    )
    return xr.DataArray(list(found), dims="bound", coords={"bound": list(BOUNDS)})


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
