"""Ageing as in Fig. 8 and A11: overlaps at every waiting time, tau90 against the waiting time, and its exponent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.errors import QuenchError
from quench.estimators import powerlaw
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.stacking import stack_panels
from quench.numerics import intervals


def stacked(inputs: FigureInputs) -> xr.Dataset:
    """``numbers`` of every run of the figure along ``panel``."""
    return stack_panels([numbers(inputs, name).expand_dims(panel=[name]) for name in inputs.of("runs")])


def numbers(inputs: FigureInputs, name: str) -> xr.Dataset:
    """Overlap (waiting_time, lag), tau90 (waiting_time[, network]) and exponent of a run at one temperature."""
    run = inputs.ages(name)
    check_window(name, run, inputs.choices.get("fit"))
    kept = [f"{quantity}_{end}" for quantity in ("overlap", "tau90") for end in ("mean", "low", "high")]
    known = {fact: run.attrs[fact] for fact in ("temperature", "chi", "n_networks")}
    return (
        run[kept]
        .drop_vars(["seed", "diverged_at", "state"], errors="ignore")
        .assign(fitted(run, inputs.choices.get("fit")))
        .assign(known)
        .assign_attrs({})
    )


def check_window(name: str, run: xr.Dataset, window: Sequence[float] | None) -> None:
    """Raise ``QuenchError`` where a declared ``window`` of t_w holds fewer than two of the waiting times of a run."""
    ages = run["waiting_time"].values
    if window and ((ages >= max(window[0], 1)) & (ages <= window[1])).sum() < 2:
        low, high = (f"{end:g}" for end in window)
        raise QuenchError(f"{name}: fit: fewer than two waiting times from {low} to {high}; measured: {ages.tolist()}")


def fitted(run: xr.Dataset, window: Sequence[float] | None) -> dict[str, Any]:
    """d log tau90 / d log t_w of every network over a ``window`` of t_w and their mean, as variables for ``draw_times``.

    Times that do not reach 0.9 are censored at the longest lag.
    """
    low, high = window or (1, np.inf)
    ages = run["waiting_time"].values
    inside = (ages >= max(low, 1)) & (ages <= high)
    single = run["tau90"].transpose("waiting_time", "network").values
    limit = run["longest_lag"].transpose("waiting_time", "network").values
    exponents, intercepts = powerlaw.censored_exponents(ages[inside], single[inside], limit[inside])
    found = intervals.mean(exponents)
    return {
        # Numbered, so that panels with more and with fewer networks can be stacked.
        "network": np.arange(single.shape[1]),
        "tau90_single": (("waiting_time", "network"), single),
        "exponent": found.value,
        "exponent_low": found.low,
        "exponent_high": found.high,
        "exponent_single": ("network", exponents),
        "exponent_intercept": intervals.mean(intercepts).value,
        "fit_low": float(ages[inside].min()) if inside.any() else np.nan,
        "fit_high": float(ages[inside].max()) if inside.any() else np.nan,
        "n_censored": int((np.isnan(single) & np.isfinite(limit)).sum()),
    }


def panel(stacked: xr.Dataset, name: str) -> xr.Dataset:
    """One panel, without the waiting times and networks that its run does not have."""
    one = stacked.sel(panel=name, drop=True)
    return one.dropna("waiting_time", how="all", subset=["overlap_mean"]).dropna(
        "network", how="all", subset=["tau90_single"]
    )


def draw_overlaps(ax: Axes, one: xr.Dataset) -> None:
    """Q(t) from the youngest (dark) to the oldest (bright) waiting time."""
    ages = one["waiting_time"].values
    for row, color in enumerate(style.ages(ages)):
        label = style.power(float(f"{ages[row]:.4g}"))
        style.curve(ax, one["lag"].values, one.isel(waiting_time=row), "overlap", color, label=label)
    ax.axhline(0.9, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.legend(title="$t_w$", loc="lower left", fontsize=6.5, title_fontsize=7.5)


def _local(ages: np.ndarray, times: np.ndarray) -> str:
    """The range of the local exponents between successive waiting times, as text: a power law has one exponent."""
    known = (ages > 0) & np.isfinite(times)
    slopes = np.diff(np.log(times[known])) / np.diff(np.log(ages[known]))
    return f"\nlocal exponents {slopes.min():.2f} … {slopes.max():.2f}" if slopes.size > 1 else ""


def draw_times(ax: Axes, one: xr.Dataset) -> None:
    """tau90 against t_w: of the mean overlap with its interval, of every network as a small point, and the fit."""
    ages = one["waiting_time"].values.astype(float)
    ax.plot(ages, one["tau90_single"].transpose("waiting_time", "network"), "o", color="0.6", ms=2.5, mew=0)
    for row, color in enumerate(style.ages(ages)):
        value, low, high = (float(one[f"tau90_{end}"].values[row]) for end in ("mean", "low", "high"))
        if np.isfinite(value):
            style.points(ax, ages[row], value, low, high, color, ms=4.5, zorder=3)
    exponent = float(one["exponent"])
    if np.isfinite(exponent):
        span = np.array([float(one["fit_low"]), float(one["fit_high"])])
        low, high = float(one["exponent_low"]), float(one["exponent_high"])
        interval = f" [{low:.2f}, {high:.2f}]" if np.isfinite([low, high]).all() else ""
        text = rf"$\tau_{{90}}\sim t_w^{{{exponent:.2f}}}${interval}{_local(ages, one['tau90_mean'].values)}"
        ax.plot(span, np.exp(float(one["exponent_intercept"])) * span**exponent, **style.THEORY, label=text)
    censored = int(one["n_censored"])
    ax.plot([], [], "o", color="0.6", ms=2.5, label="single networks" + (f" ({censored} beyond)" if censored else ""))
    ax.set(xscale="log", yscale="log", xlabel="$t_w$ (updates)", ylabel=r"$\tau_{90}$ (updates)")
    low, high = ax.get_ylim()
    if low > 0 and high / low < 10:
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / 4, middle * 4)
    style.log_ticks(ax)
    ax.legend(loc="upper left")
