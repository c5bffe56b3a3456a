"""Time-temperature superposition as in Fig. 4(a) and A6: the numbers of one run, and its panel."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators import superposition
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import palette
from quench.numerics import intervals
from quench.observables.relaxation import LEVELS, first_crossing

FIT = (10.0, 200.0)
# The collapse is scored over these t/tau90: short and intermediate times.
SCORED = (0.3, 10.0)


def numbers(inputs: FigureInputs, name: str) -> xr.Dataset:
    """Overlap with its interval and t/tau90 (temperature, lag); scores, exponents and departures of one run.

    Scores are those of the mean curves, of all networks and without each (left_out). Exponents and departures are those of
    the mean curves and of every network.
    """
    run, single = inputs.run(name), inputs.single(name, "overlap", "tau90")
    lags, window = run["lag"].values.astype(float), inputs.choices.get("fit") or FIT
    tau90, curves = run["tau90_mean"].values, run["overlap_mean"].values
    alone = single["overlap_single"].transpose("network", "temperature", "lag").values
    taus = single["tau90_single"].transpose("network", "temperature").values
    weights = float(inputs.networks(name)[0]["n_weights"])
    left = _departures(lags, curves, tau90, weights * run.attrs["n_networks"])
    value, brownian = superposition.pooled_exponent(lags / tau90[:, None], curves, window, left)
    pairs = [
        superposition.pooled_exponent(lags / tau[:, None], own, window, left)
        for own, tau in zip(alone, taus, strict=True)
    ]
    found = intervals.mean([pair[0] for pair in pairs])
    alive = alone[np.isfinite(alone[:, :, 0]).all(axis=1)]
    known = ["overlap_mean", "overlap_low", "overlap_high", "tau90_mean"]
    return (
        run[known]
        .assign(
            scaled_time=(("temperature", "lag"), lags / tau90[:, None]),
            departure=("temperature", left),
            departure_single=(
                ("temperature", "network"),
                np.array([_departures(lags, own, tau, weights) for own, tau in zip(alone, taus, strict=True)]).T,
            ),
            overlap_single=single["overlap_single"],
            tau90_single=single["tau90_single"],
            scores=(("left_out", "axis"), intervals.leaving_out(lambda kept: _scores(lags, alive[kept]), len(alive))),
            exponent=value,
            exponent_low=found.low,
            exponent_high=found.high,
            exponent_brownian=brownian,
            exponent_single=("network", [pair[0] for pair in pairs]),
            exponent_brownian_single=("network", [pair[1] for pair in pairs]),
            fit_low=float(window[0]),
            fit_high=float(window[1]),
            n_networks=len(alive),
        )
        .assign_coords(axis=["scaled", "raw"])
    )


def _departures(lags: np.ndarray, curves: np.ndarray, taus: np.ndarray, n_weights: float) -> np.ndarray:
    """Departure of every curve (temperature, lag) from the Brownian one, (temperature)."""
    pairs = zip(lags / taus[:, None], curves, strict=True)
    return np.array([superposition.departure(time, curve, n_weights) for time, curve in pairs])


def _scores(lags: np.ndarray, overlaps: np.ndarray) -> list[float]:
    """Scatter of the mean curves of ``overlaps`` (network, temperature, lag) against t / tau90, and against t."""
    if not len(overlaps):
        return [np.nan, np.nan]
    curves = overlaps.mean(axis=0)
    taus = np.array([first_crossing(lags, curve, LEVELS["tau90"]) for curve in curves])
    known = np.isfinite(taus)
    curves, taus = curves[known], taus[known]
    if not len(taus):
        return [np.nan, np.nan]
    middle = float(np.exp(np.log(taus).mean()))
    return [
        superposition.collapse_score(list(lags / taus[:, None]), list(curves), SCORED),
        superposition.collapse_score([lags] * len(curves), list(curves), (SCORED[0] * middle, SCORED[1] * middle)),
    ]


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
    ax.plot([], [], "o", ms=3.5, mfc="white", mec="0.3", label="leaves the Brownian curve")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlim=(0.05, grid[-1] * 1.3), ylim=(max(lowest * 0.7, 1e-4), 1.3))
    ax.set(xlabel=r"$t/\tau_{90}$", ylabel="$Q$")
    style.legend_above(ax, fontsize=6.5)
    style.log_ticks(ax)


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
