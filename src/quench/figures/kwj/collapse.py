"""Time-temperature superposition as in Fig. 4(a) and A6: the numbers of one run, and its panel."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators import superposition
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import palette

FIT = (10.0, 200.0)
# The collapse is scored over these t/tau90: short and intermediate times.
SCORED = (0.3, 10.0)


def numbers(inputs: FigureInputs, name: str) -> xr.Dataset:
    """Overlap with its interval and t/tau90 (temperature, lag); scores, exponents and departures of one run."""
    run = inputs.run(name)
    lags, window = run["lag"].values.astype(float), inputs.choices.get("fit") or FIT
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
    for row, color in enumerate(palette(one)):
        curve = one.isel(temperature=row)
        time, left = curve["scaled_time"].values, float(curve["departure"])
        style.curve(ax, time, curve, "overlap", color, positive=True)
        if np.isfinite(left):
            shown = (time > 0) & (curve["overlap_mean"].values > 0)
            at = np.interp(np.log(left), np.log(time[shown]), np.log(curve["overlap_mean"].values[shown]))
            ax.plot(left, np.exp(at), "o", ms=3.5, mfc="white", mec=color, zorder=3)
    longest, lowest = float(np.nanmax(one["scaled_time"].values)), float(one["overlap_mean"].min())
    grid = np.geomspace(0.05, longest if np.isfinite(longest) else 1e3, 200)
    ax.plot(grid, superposition.brownian_master(grid), **style.THEORY, label="free Brownian weights")
    _fit(ax, one, grid[-1])
    ax.plot([], [], "o", ms=3.5, mfc="white", mec="0.3", label="leaves the Brownian curve (15 %)")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlim=(0.05, grid[-1] * 1.3), ylim=(max(lowest * 0.7, 1e-4), 1.3))
    ax.set(xlabel=r"$t/\tau_{90}$", ylabel="$Q$")
    style.log_ticks(ax)
    ax.legend(loc="lower left", fontsize=6.5)


def _fit(ax: Axes, one: xr.Dataset, longest: float) -> None:
    """The fitted power law below the curves, and the slope of mode-coupling theory."""
    low, high, value = float(one["fit_low"]), min(float(one["fit_high"]), longest), float(one["exponent"])
    if not (np.isfinite(value) and high > low):
        return
    text = rf"fit: ${value:.2f}$ [{float(one['exponent_low']):.2f}, {float(one['exponent_high']):.2f}]"
    window = np.array([low, high])
    level = 0.5 * superposition.brownian_master(low)
    ax.plot(window, level * (window / low) ** value, color="0.25", linewidth=1.2, label=text)
    theory = r"$-1/2$ (MCT, F1; also Brownian limit)"
    ax.plot(window, 0.7 * level * (window / low) ** -0.5, **style.GUIDE, label=theory)
