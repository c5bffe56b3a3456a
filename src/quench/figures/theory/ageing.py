"""Full ageing of the p-spin glass: correlations of all ages against t / t_w, and the approach to their collapse.

Needs ``glass``: one solved quench to below T_d, with waiting times that span decades.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import solved

NEEDS = {"glass": 1}
LABEL = "Ageing"
SECTION = "The p-spin glass"
TITLE = "Full ageing of the p-spin glass"
CAPTION = (
    "Spherical p-spin model quenched from infinite temperature to T (title), solved at infinite N. (a) Correlation C(t_w + "
    "t, t_w) against t / t_w: below the plateau q_EA (dotted) the curves of old systems coincide, so that age is the only "
    "time scale; above it they separate, since the fast motion within a state does not age. (b) Lag t_C at which C has "
    "fallen to a level below q_EA, over t_w: constant under full ageing."
)
# Shares of q_EA: below the fast part of C, and reached within the lags.
LEVELS = (0.8, 0.6, 0.4, 0.2)
MEANS = {
    "relaxation": "lag at which C has fallen to a level",
    "level": "correlation C at which times are compared",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """C and its error (waiting_time, lag); ``relaxation`` (waiting_time, level): the lag at which C = level."""
    _, quench = solved.ageing(inputs, "theory.ageing")
    levels = float(quench["plateau"]) * np.array(LEVELS)
    times = [[_lag_at(curve, level) for level in levels] for curve in quench["correlation"]]
    return quench[["correlation", "correlation_error", "plateau"]].assign(
        relaxation=(("waiting_time", "level"), times), level=levels
    )


def _lag_at(curve: xr.DataArray, level: float) -> float:
    """Lag at which a falling curve reaches ``level``, interpolated in log lag; NaN where it does not within its lags."""
    known = curve.isel(lag=(curve["lag"].values > 0) & np.isfinite(curve.values))
    if not known.values[-1] <= level <= known.values[0]:
        return np.nan
    # np.interp needs rising abscissae.
    return float(np.exp(np.interp(-level, -known.values, np.log(known["lag"].values))))


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _collapse, _approach, height=2.9)


def _collapse(ax: Axes, numbers: xr.Dataset) -> None:
    waiting, lags = numbers["waiting_time"].values, numbers["lag"].values
    for row, color in enumerate(style.ages(waiting)):
        shown = (lags > 0) & np.isfinite(numbers["correlation"].values[row])
        values = numbers["correlation"].values[row]
        ax.plot(lags[shown] / waiting[row], values[shown], color=color, label=style.power(waiting[row]))
    style.level(ax, float(numbers["plateau"]), r"$q_\mathrm{EA}$")
    ax.set(xscale="log", xlabel="$t / t_w$", ylabel="$C(t_w + t, t_w)$", ylim=(0, 1.03))
    ax.set_title(solved.title(numbers))
    style.legend_above(ax, title="$t_w$", ncols=4)
    style.log_ticks(ax)


def _approach(ax: Axes, numbers: xr.Dataset) -> None:
    waiting, levels = numbers["waiting_time"], numbers["level"].values
    for row, level in enumerate(levels):
        color = style.HEAT(0.05 + 0.9 * row / (len(levels) - 1))
        ratio = (numbers["relaxation"].isel(level=row) / waiting).values
        ax.plot(waiting, ratio, "o-", ms=3.5, color=color)
        for end in np.flatnonzero(np.isfinite(ratio))[-1:]:
            place: dict[str, Any] = {"xytext": (2, 5), "textcoords": "offset points", "ha": "right", "color": color}
            ax.annotate(f"$C$ = {level:.3f}", (waiting[end], ratio[end]), fontsize=7.5, **place)
    ax.set(xscale="log", yscale="log", xlabel="$t_w$", ylabel="$t_C / t_w$")
    style.log_ticks(ax)
