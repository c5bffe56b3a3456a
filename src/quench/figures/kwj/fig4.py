"""KWJ Fig. 4: time-temperature superposition (a), and overlap at the longest lag against T (b), regularised phase.

Needs ``runs``: one Langevin run with weight decay; ``fit``: the window of t / tau90 for the exponent of (a).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators import powerlaw
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import collapse, wells
from quench.figures.kwj.panels import brownian_tau, frozen_level
from quench.numerics import intervals

NEEDS = {"runs": 1}
LABEL = "Fig. 4"
SECTION = "III.3 The long-time limit of Q(t)"
TITLE = "Time-temperature superposition and the long-time overlap"
CAPTION = (
    "(a) Overlap against t/tau90, from hot (red) to cold (blue), with 95 % bands. Dashed: free Brownian weights, no free "
    "parameter. Grey: exponent fitted to all points before their curve leaves the Brownian one, with its interval; the "
    "same fit to the Brownian curve gives nearly the same number, so that the exponent is no evidence for mode-coupling "
    "theory. Open circles: a curve leaves the Brownian one. (b) Overlap at the longest lag t_f, with a power law over the "
    "temperatures above T* whose curves have left, fitted to every network; squares and diamonds: harmonic well of "
    "stiffness lambda with measured w(t_w) and epsilon, for t to infinity and at t_f (KWJ Eq. 22). The lines of both fits "
    "are displaced for clarity."
)
MEANS = {
    "left_master_curve": "whether the curve, of a temperature above T*, leaves the Brownian one",
    "lag_max": ("longest lag", "updates"),
    "final_exponent": "exponent of Q(t_f) against T",
    "final_intercept": "logarithm of the power law of Q(t_f) at T = 1",
    "well_exponent": "exponent of the well's Q at infinite time against T",
    "well_final_exponent": "exponent of the well's Q(t_f) against T",
    "well_plateau": "overlap Q of the harmonic well at infinite time",
    "well_final": "overlap Q of the harmonic well at t_f",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Numbers of the collapse; overlaps of the wells (temperature), and exponents of the final overlaps against T."""
    (name,) = inputs.of("runs")
    one = collapse.numbers(inputs, name)
    run = inputs.run(name)
    last = one["overlap_single"].isel(lag=-1).transpose("temperature", "network").values
    table = [
        wells.overlaps(dataset, temperature=float(temperature), facts=run.attrs)
        for temperature, dataset in zip(run["temperature"].values, inputs.networks(name), strict=True)
    ]
    plateau, final = np.moveaxis(np.array(table), 1, 0)  # (temperature, network)
    # Below T* the landscape moves the weights, whatever the temperature; a power law of T can hold above T* only.
    above_kink = brownian_tau(run).values < frozen_level(run) if run["temperature"].values[-1] == 0 else True
    left = np.isfinite(one["departure"].values) & (run["temperature"].values > 0) & above_kink
    temperatures = run["temperature"].values[left]
    for key, values in (("final_exponent", last), ("well_exponent", plateau), ("well_final_exponent", final)):
        single = powerlaw.exponents(temperatures, values[left])
        found = intervals.mean(single)
        one = one.assign({key: found.value, f"{key}_low": found.low, f"{key}_high": found.high})
        one = one.assign({f"{key}_single": ("network", single)})
    return one.assign(
        well_plateau=("temperature", plateau.mean(axis=1)),
        well_final=("temperature", final.mean(axis=1)),
        well_final_single=(("temperature", "network"), final),
        left_master_curve=("temperature", left),
        final_intercept=powerlaw.fit(temperatures, one["overlap_mean"].isel(lag=-1).values[left]).intercept,
        lag_max=int(one["lag"].values[-1]),
        chi=run.attrs["chi"],
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(2, height=3.3, width=3.7)
    collapse.draw(axes[0, 0], numbers)
    axes[0, 0].set_title(rf"regularised, $\chi$ = {float(numbers['chi']):g}")
    _final(axes[0, 1], numbers)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    return style.finish(figure, axes.flat, numbers)


def _final(ax: Axes, numbers: xr.Dataset) -> None:
    hot = numbers.where(numbers["temperature"] > 0, drop=True).isel(lag=-1)
    temperatures = hot["temperature"].values
    used = hot["left_master_curve"].values.astype(bool)
    for row, color in enumerate(style.colors(temperatures, numbers["temperature"].values)):
        value, low, high = (float(hot[f"overlap_{end}"].values[row]) for end in ("mean", "low", "high"))
        style.points(ax, temperatures[row], value, low, high, color, ms=4.5, zorder=3)
    style_of: dict[str, Any] = {"linestyle": "none", "mfc": "none", "ms": 4}
    wells = (("plateau", "exponent", "s", "0.2", r"$t\to\infty$"), ("final", "final_exponent", "D", "0.6", "$t_f$"))
    for end, exponent, marker, color, text in wells:
        slope = float(numbers[f"well_{exponent}"])
        power = rf": $T^{{{slope:.2f}}}$" if np.isfinite(slope) else ""
        label = f"well, {text}{power}"
        ax.plot(temperatures, hot[f"well_{end}"], marker=marker, mec=color, color=color, **style_of, label=label)
    value = float(numbers["final_exponent"])
    if np.isfinite(value):
        span = np.array([temperatures[used].min(), temperatures[used].max()])
        low, high = float(numbers["final_exponent_low"]), float(numbers["final_exponent_high"])
        text = rf"measured: $T^{{{value:.2f}}}$ [{low:.2f}, {high:.2f}]"
        ax.plot(span, np.exp(float(numbers["final_intercept"])) * span**value, color="0.25", linewidth=1.2, label=text)
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=rf"$Q(t_f={style.grouped(int(numbers['lag_max']))})$")
    style.log_ticks(ax)
    ax.legend(loc="lower left", fontsize=7)
