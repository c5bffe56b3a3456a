"""Ageing, as Fig. 8 and A11 show it: overlaps at every waiting time, tau90 against it, and the ageing exponent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators import powerlaw
from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.stacking import joined


def numbers(inputs: Inputs, name: str) -> xr.Dataset:
    """Overlap (waiting_time, lag) and tau90 (waiting_time[, network]) of a run at one temperature, and the exponent."""
    run = inputs.ages(name)
    kept = [f"{quantity}_{end}" for quantity in ("overlap", "tau90") for end in ("mean", "low", "high")]
    known = {fact: run.attrs[fact] for fact in ("temperature", "chi", "n_networks")}
    return (
        run[kept]
        .drop_vars(["seed", "diverged_at"], errors="ignore")
        .assign(fitted(run, inputs.fit))
        .assign(known)
        .assign_attrs({})
    )


def fitted(run: xr.Dataset, window: Sequence[float] | None) -> dict[str, Any]:
    """d log tau90 / d log t_w of the single networks, over a ``window`` of t_w, by a fit that keeps those that never
    reach 0.9 (censored): variables for ``draw_times``."""
    low, high = window or (1, np.inf)
    ages = run["waiting_time"].values
    inside = (ages >= max(low, 1)) & (ages <= high)
    single = run["tau90"].transpose("waiting_time", "network").values
    limit = run["longest_lag"].transpose("waiting_time", "network").values
    found = powerlaw.censored_fit(ages[inside], single[inside], limit[inside])
    return {
        # Numbered, so that panels with more and with fewer networks can be stacked.
        "network": np.arange(single.shape[1]),
        "tau90_single": (("waiting_time", "network"), single),
        "exponent": found.value,
        "exponent_low": found.low,
        "exponent_high": found.high,
        "exponent_intercept": found.intercept,
        "fit_low": float(ages[inside].min()) if inside.any() else np.nan,
        "fit_high": float(ages[inside].max()) if inside.any() else np.nan,
        "n_censored": int((np.isnan(single) & np.isfinite(limit)).sum()),
    }


def stacked(inputs: Inputs) -> xr.Dataset:
    """``numbers`` of every run of the figure along ``panel``."""
    parts = [numbers(inputs, name).expand_dims(panel=[name]) for name in inputs.runs]
    return joined(parts, "panel")


def of(numbers: xr.Dataset, name: str) -> xr.Dataset:
    """One panel, without the waiting times and networks that its run does not have."""
    one = numbers.sel(panel=name, drop=True)
    return one.dropna("waiting_time", how="all", subset=["overlap_mean"]).dropna(
        "network", how="all", subset=["tau90_single"]
    )


def draw_overlaps(ax: Axes, one: xr.Dataset) -> None:
    """Q(t) from the youngest (dark) to the oldest (bright)."""
    ages = one["waiting_time"].values
    for row, color in zip(range(len(ages)), style.ages(ages), strict=True):
        curve = one.isel(waiting_time=row)
        shown = (curve["lag"].values > 0) & np.isfinite(curve["overlap_mean"].values)
        lags = curve["lag"].values[shown]
        style.band(ax, lags, curve["overlap_low"].values[shown], curve["overlap_high"].values[shown], color)
        ax.plot(lags, curve["overlap_mean"].values[shown], color=color, label=f"{style.power(float(ages[row]))}")
    ax.axhline(0.9, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(ylim=(0, 1.03), xlabel="$t$ (updates)", ylabel="$Q(t, t_w)$")
    ax.legend(title="$t_w$", loc="lower left", fontsize=6.5, title_fontsize=7.5)


def draw_times(ax: Axes, one: xr.Dataset) -> None:
    """tau90 against t_w: the mean overlap's with its interval, every network's as a small point, the censored fit."""
    ages = one["waiting_time"].values.astype(float)
    ax.plot(ages, one["tau90_single"].transpose("waiting_time", "network"), "o", color="0.6", ms=2.5, mew=0)
    for row, color in zip(range(len(ages)), style.ages(ages), strict=True):
        value, low, high = (float(one[f"tau90_{end}"].values[row]) for end in ("mean", "low", "high"))
        if np.isfinite(value):
            error = [[max(value - low, 0)], [max(high - value, 0) if np.isfinite(high) else 0]]
            ax.errorbar(ages[row], value, yerr=error, color=color, fmt="o", ms=4.5, capsize=2, zorder=3)
    exponent = float(one["exponent"])
    if np.isfinite(exponent):
        span = np.array([float(one["fit_low"]), float(one["fit_high"])])
        low, high = float(one["exponent_low"]), float(one["exponent_high"])
        interval = f" [{low:.2f}, {high:.2f}]" if np.isfinite([low, high]).all() else ""
        text = rf"$\tau_{{90}}\sim t_w^{{{exponent:.2f}}}${interval}"
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
