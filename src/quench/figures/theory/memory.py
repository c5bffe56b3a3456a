"""Memory of the start in a mixed p-spin glass: gradient descent from equilibrium at T0, and the energy that it reaches.

Needs ``glass``: solved quenches of one mixed model to T = 0, from several T0; and quenches of one pure model as a control.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.errors import QuenchError
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import solved
from quench.theory import threshold
from quench.theory.pspin.model import Model

NEEDS = {"glass": 2}
LABEL = "Memory"
SECTION = "The p-spin glass"
TITLE = "Memory of the start in a mixed p-spin glass"
CAPTION = (
    "Spherical mixed p-spin model f(C) (title): gradient descent (T = 0) from equilibrium at T0, solved at infinite N. (a) "
    "Energy above the threshold E_th of the marginal states that gradient descent from a random start (T0 = infinity) "
    "approaches. (b) Energy at several times against T0, on the right for T0 = infinity; black: the minimum of the state "
    "in which the system starts, exact below T_SF; dotted: E_th. (c) Overlap C(t, 0) with the start (lines) and C(t, t/2) "
    "with half the age (dashed). Black, dash-dotted: a pure p-spin model from just above its T_MCT. Curves end where the "
    "solution does."
)
# Energies against T0 are drawn at these times.
TIMES = (1e3, 1e5, 1e7)
MEANS = {
    "initial_temperature": "temperature T0 of the equilibrium before the quench",
    "initial_inverse": "1/T0 of the equilibrium before the quench",
    "energy_error": "estimated absolute error of E",
    "excess": "energy above the threshold, E - E_th",
    "control_excess": "energy of the pure model above its threshold",
    "overlap": "correlation C(t, 0) with the start",
    "overlap_error": "estimated absolute error of C(t, 0)",
    "control_overlap": "correlation C(t, 0) of the pure model with its start",
    "half_overlap": "correlation C(t, t/2)",
    "followed_energy": "energy of the minimum of the state in which the system starts",
    "followed_temperature": "temperature T0 below T_SF",
    "following_temperature": "T_SF, up to which the state of the start has a minimum",
    "dynamical_temperature": "T_MCT, dynamical transition in equilibrium",
    "time": ("time since the quench", "1/friction"),
    "half_time": ("time since the quench", "1/friction"),
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """E, E - E_th and C(t, 0) (initial_temperature, time), C(t, t/2) (initial_temperature, half_time), of the mixed model.

    ``followed_energy`` against T0 < T_SF; the pure model (``control_...``); T_SF, T_MCT, E_th.
    """
    mixed, control = _models(inputs)
    f = mixed[0][0].covariance
    curves = xr.concat(
        [_curves(*one).assign_coords(initial_temperature=one[0].initial_temperature) for one in mixed],
        "initial_temperature",
        combine_attrs="override",
    )
    limit, following = threshold.threshold_energy(f, 0.0), threshold.following_temperature(f)
    coldest = min(threshold.static_temperature(f), *curves["initial_temperature"].values)
    # Empty for a model whose T_SF is below T_K.
    starts = np.linspace(coldest, following, 60)[:-1] if coldest < following else np.empty(0)
    result = curves.assign(
        excess=curves["energy"] - limit,
        threshold_energy=limit,
        following_temperature=following,
        dynamical_temperature=threshold.dynamical_temperature(f),
        followed_energy=("followed_temperature", [threshold.followed_state(f, start).energy for start in starts]),
    ).assign_coords(followed_temperature=starts)
    attributes: dict[str, Any] = {"covariance": str(f)}
    for model, solution in control:
        one = _curves(model, solution)
        result["control_excess"] = one["energy"] - threshold.threshold_energy(model.covariance, 0.0)
        result["control_overlap"] = one["overlap"]
        attributes |= {"control": str(model.covariance), "control_initial_temperature": model.initial_temperature}
    return result.assign_attrs(attributes)


def _models(inputs: FigureInputs) -> tuple[list[tuple[Model, xr.Dataset]], list[tuple[Model, xr.Dataset]]]:
    """Quenches of the mixed model, by falling T0, and at most one of a pure model."""
    found = sorted(solved.quenches(inputs), key=lambda one: -one[0].initial_temperature)
    mixed = [one for one in found if one[0].covariance.p is None]
    control = [one for one in found if one[0].covariance.p is not None]
    starts = {one[0].initial_temperature for one in mixed}
    if (
        any(model.temperature > 0 for model, _ in found)
        or len({model.covariance for model, _ in mixed}) != 1
        or len(starts) < len(mixed)
        or len(control) > 1
    ):
        raise QuenchError(
            "theory.memory: give quenches to T = 0 under glass, of one mixed model from different T0 and at most one of a"
            " pure model"
        )
    return mixed, control


def _curves(model: Model, solution: xr.Dataset) -> xr.Dataset:
    """E and C(t, 0) against the ``time``s at which both are known, and C(t, t/2) against ``half_time``."""
    start = (
        solution[["correlation", "correlation_error"]]
        .sel(waiting_time=0.0, drop=True)
        .rename(lag="time", correlation="overlap", correlation_error="overlap_error")
    )
    ages = np.intersect1d(solution["waiting_time"], solution["lag"])
    ages = ages[ages > 0]
    place = xr.DataArray(ages, dims="half_time")
    half = solution["correlation"].sel(waiting_time=place, lag=place).drop_vars(("waiting_time", "lag"))
    energies = solution[["energy", "energy_error"]]
    return xr.merge([energies, start], join="inner", combine_attrs="override").assign(
        half_overlap=half.assign_coords(half_time=2 * ages)
    )


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _energies, _reached, _overlaps, height=2.9)


def _name(start: float) -> str:
    return "∞" if math.isinf(start) else f"{start:g}"


def _energies(ax: Axes, numbers: xr.Dataset) -> None:
    time = numbers["time"].values
    shown = time > 0
    for row, color in enumerate(style.colors(numbers["initial_temperature"].values)):
        one = numbers.isel(initial_temperature=row)
        ax.plot(time[shown], one["excess"].values[shown], color=color, label=_name(float(one["initial_temperature"])))
    if "control_excess" in numbers:
        ax.plot(time[shown], numbers["control_excess"].values[shown], color="black", ls="-.", lw=0.9)
    ax.axhline(0.0, **style.GUIDE)
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=1e-5)
    ax.set(xlabel="$t$", ylabel=r"$E(t) - E_\mathrm{th}$", title=solved.formula(numbers.attrs["covariance"]))
    # Room for the legend above the curves.
    ax.set_ylim(-0.1, 3000)
    ax.legend(title="$T_0$", loc="upper right", ncols=4, columnspacing=1.0, handlelength=1.2)
    style.log_ticks(ax)


def _reached(ax: Axes, numbers: xr.Dataset) -> None:
    starts = numbers["initial_temperature"].values
    finite = np.isfinite(starts)
    times = numbers["time"].values
    chosen = [time for time in TIMES if time in times] or [times[-1]]
    around = np.append(starts[finite], numbers["following_temperature"])
    right = around.max() + 0.01 + 0.1 * np.ptp(around)
    for time, color in zip(chosen, style.ages(chosen), strict=True):
        energy = numbers["energy"].sel(time=time).values
        ax.plot(starts[finite], energy[finite], "o-", ms=3.5, lw=0.8, color=color, label=f"$t$ = {style.power(time)}")
        ax.plot(np.full((~finite).sum(), right), energy[~finite], "o", ms=3.5, color=color)
    ax.plot(numbers["followed_temperature"], numbers["followed_energy"], color="black", lw=1.4, label="followed state")
    style.level(ax, float(numbers["threshold_energy"]), r"$E_\mathrm{th}$")
    marks = (
        ("following_temperature", r"$T_\mathrm{SF}$ ", "right"),
        ("dynamical_temperature", r" $T_\mathrm{MCT}$", "left"),
    )
    for name, text, side in marks:
        place = (float(numbers[name]), 0.97)
        ax.axvline(place[0], **style.GUIDE)
        ax.annotate(text, place, xycoords=("data", "axes fraction"), va="top", ha=side, fontsize=8)
    ax.annotate("∞", (right, 0.02), xycoords=("data", "axes fraction"), ha="center", fontsize=9)
    ax.set(xlabel="$T_0$", ylabel="$E(t)$")
    ax.legend(loc="lower right", bbox_to_anchor=(0.97, 0.05))


def _overlaps(ax: Axes, numbers: xr.Dataset) -> None:
    time, half = numbers["time"].values, numbers["half_time"].values
    for row, color in enumerate(style.colors(numbers["initial_temperature"].values)):
        one = numbers.isel(initial_temperature=row)
        ax.plot(time[time > 0], one["overlap"].values[time > 0], color=color)
        ax.plot(half, one["half_overlap"], color=color, ls="--", lw=0.9)
    ax.plot([], [], color="0.3", label="$C(t, 0)$")
    ax.plot([], [], color="0.3", ls="--", lw=0.9, label="$C(t, t/2)$")
    if "control_overlap" in numbers:
        start = _name(numbers.attrs["control_initial_temperature"])
        label = f"$C(t, 0)$, {solved.formula(numbers.attrs['control'])}, $T_0$ = {start}"
        control = numbers["control_overlap"].values
        ax.plot(time[time > 0], control[time > 0], color="black", ls="-.", lw=0.9, label=label)
    ax.set(xscale="log", xlabel="$t$", ylabel="$C$", ylim=(0, 1.4), yticks=np.linspace(0, 1, 6))
    ax.legend(loc="upper right")
    style.log_ticks(ax)
