"""Time-temperature superposition, as Fig. 4(a) and A6 show it: numbers of one run, and how its panel is drawn."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators import superposition
from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.kwj.panels import palette

FIT = (10.0, 200.0)
# Where the collapse is scored, in units of tau90: short and intermediate times.
SCORED = (0.3, 10.0)


def numbers(inputs: Inputs, name: str) -> xr.Dataset:
    """Overlap with its interval and t/tau90 (temperature, lag); scores, exponents and departures of one run."""
    run = inputs.run(name)
    lags, window = run["lag"].values.astype(float), inputs.fit or FIT
    tau90 = run["tau90_mean"].values
    curves = list(run["overlap_mean"].values)
    scaled = [lags / tau for tau in tau90]
    known = np.isfinite(tau90)
    middle = float(np.exp(np.log(tau90[known]).mean())) if known.any() else np.nan
    value, brownian = superposition.pooled_exponent(scaled, curves, window)
    low, high = superposition.exponent_interval(
        lags, [dataset["overlap"].values for dataset in inputs.networks(name)], window
    )
    reached = [curve for curve, kept in zip(curves, known, strict=True) if kept]
    times = [time for time, kept in zip(scaled, known, strict=True) if kept]
    raw = [lags] * len(reached)
    kept = run[["overlap_mean", "overlap_low", "overlap_high", "tau90_mean"]]
    return kept.assign(
        scaled_time=(("temperature", "lag"), np.array(scaled)),
        departure=("temperature", [superposition.departure(t, q) for t, q in zip(scaled, curves, strict=True)]),
        score_scaled=superposition.collapse_score(times, reached, SCORED),
        score_raw=superposition.collapse_score(raw, reached, (SCORED[0] * middle, SCORED[1] * middle)),
        exponent=value,
        exponent_low=low,
        exponent_high=high,
        exponent_brownian=brownian,
        fit_low=float(window[0]),
        fit_high=float(window[1]),
        n_networks=run.attrs["n_networks"],
    )


def draw(ax: Axes, one: xr.Dataset) -> None:
    """Q against t/tau90 on log axes, the Brownian master curve, and the fitted exponent over its window."""
    temperatures = one["temperature"].values
    for row, color in zip(range(len(temperatures)), palette(one), strict=True):
        curve = one.isel(temperature=row)
        time, values = curve["scaled_time"].values, curve["overlap_mean"].values
        shown = (time > 0) & np.isfinite(time) & (values > 0)
        style.band(ax, time[shown], curve["overlap_low"].values[shown], curve["overlap_high"].values[shown], color)
        ax.plot(time[shown], values[shown], color=color)
        left = float(curve["departure"])
        if np.isfinite(left):
            at = np.interp(np.log(left), np.log(time[shown]), np.log(values[shown]))
            ax.plot(left, np.exp(at), "o", ms=3.5, mfc="white", mec=color, zorder=3)
    ends = [float(np.nanmax(one["scaled_time"].values)), float(one["overlap_mean"].min())]
    grid = np.geomspace(0.05, ends[0] if np.isfinite(ends[0]) else 1e3, 200)
    ax.plot(grid, superposition.brownian_master(grid), **style.THEORY, label="free Brownian weights")
    low, high = float(one["fit_low"]), min(float(one["fit_high"]), grid[-1])
    value = float(one["exponent"])
    if np.isfinite(value) and high > low:
        text = rf"fit: ${value:.2f}$ [{float(one['exponent_low']):.2f}, {float(one['exponent_high']):.2f}]"
        window = np.array([low, high])
        level = 0.5 * superposition.brownian_master(low)
        ax.plot(window, level * (window / low) ** value, color="0.25", linewidth=1.2, label=text)
        ax.plot(
            window, 0.7 * level * (window / low) ** -0.5, **style.GUIDE, label=r"$-1/2$ (MCT, F1; also Brownian limit)"
        )
    ax.plot([], [], "o", ms=3.5, mfc="white", mec="0.3", label="leaves the Brownian curve (15 %)")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlim=(0.05, grid[-1] * 1.3), ylim=(max(ends[1] * 0.7, 1e-4), 1.3))
    ax.set(xlabel=r"$t/\tau_{90}$", ylabel="$Q$")
    style.log_ticks(ax)
    ax.legend(loc="lower left", fontsize=6.5)
