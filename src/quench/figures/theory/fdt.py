"""Fluctuation and dissipation of the p-spin glass: T chi against C, with slope -1 in equilibrium and -X in ageing.

Needs ``glass``: one solved quench to below T_d, and any number of quenches to above it, which end in equilibrium.
"""

from __future__ import annotations

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

NEEDS = {"glass": 1}
LABEL = "Fluctuation and dissipation"
SECTION = "The p-spin glass"
TITLE = "Violation of the fluctuation-dissipation theorem in the p-spin glass"
CAPTION = (
    "Spherical p-spin model quenched from infinite temperature to T (title), solved at infinite N. (a) Integrated response "
    "chi(t_w + t, t_w) times T against the correlation C(t_w + t, t_w); t grows from right to left. Fast motion obeys the "
    "fluctuation-dissipation theorem (FDT), T chi = 1 - C. Below q_EA the slope is -X (dashed), that of an effective "
    "temperature T / X; above T_d (red) the theorem holds for all C. (b) The local slope of these curves approaches, with "
    "age, a step from X to 1 at q_EA (dashed)."
)
MEANS = {
    "bath": "temperature T above T_d",
    "equilibrium_energy": "energy -1/(2T) of equilibrium",
    "response": "integrated response T chi(t_w + t, t_w)",
    "response_error": "estimated absolute error of T chi",
    "equilibrium_response": "integrated response T chi of the quench to T above T_d, at its oldest t_w",
    "equilibrium_response_error": "estimated absolute error of that T chi",
    "slope": "local slope -T dchi/dC",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """C, T chi, their errors and the slope -T dchi/dC (waiting_time, lag) of the ageing quench.

    Quenches to equilibrium: the same at their oldest waiting time (bath, lag), their final E, and -1/(2T).
    """
    model, quench = solved.ageing(inputs, "theory.fdt")
    if model.temperature == 0:
        raise QuenchError("theory.fdt: T chi is 0 at T = 0; give a quench to T > 0 under glass")
    above = [
        (one, s)
        for one, s in solved.quenches(inputs)
        if one.temperature > threshold.dynamical_temperature(one.covariance)
    ]
    result = parametric(quench, model.temperature)
    result = result.assign(slope=_slope(result), plateau=quench["plateau"], violation=quench["violation"])
    if above:
        ends = [_equilibrated(*one) for one in above]
        result = result.merge(xr.concat(ends, "bath", join="outer", combine_attrs="override"), combine_attrs="override")
    return result.assign_attrs(quench.attrs)


def parametric(quench: xr.Dataset, temperature: float) -> xr.Dataset:
    """C and T chi with their errors, (waiting_time, lag), at lags above 0."""
    quench = quench.isel(lag=quench["lag"].values > 0)
    correlation, response = quench["correlation"], temperature * quench["susceptibility"]
    return xr.Dataset(
        {
            "correlation": correlation,
            "correlation_error": quench["correlation_error"],
            "response": response,
            "response_error": temperature * quench["susceptibility_error"],
        }
    )


def _slope(parametric: xr.Dataset) -> xr.DataArray:
    """-T dchi/dC, from differences in log t, in which both change evenly."""
    log_lag = np.log(parametric["lag"].values)
    change, loss = (np.gradient(parametric[name], log_lag, axis=-1) for name in ("response", "correlation"))
    return xr.DataArray(-change / loss, dims=parametric["correlation"].dims)


def _equilibrated(model: Model, quench: xr.Dataset) -> xr.Dataset:
    temperature = model.temperature
    oldest = parametric(quench, temperature).isel(waiting_time=-1, drop=True).rename(lag="equilibrium_lag")
    return (
        oldest.rename({name: f"equilibrium_{name}" for name in oldest.data_vars})
        .assign(
            equilibrium_energy=threshold.equilibrium_energy(model.covariance, temperature),
            final_energy=quench["energy"].isel(time=-1, drop=True),
            final_energy_error=quench["energy_error"].isel(time=-1, drop=True),
            equilibrium_waiting_time=quench["waiting_time"].isel(waiting_time=-1, drop=True),
        )
        .assign_coords(bath=temperature)
    )


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _response, _slopes, height=2.9)


def _response(ax: Axes, numbers: xr.Dataset) -> None:
    plateau, violation = float(numbers["plateau"]), float(numbers["violation"])
    ax.plot([0, 1], [1, 0], **style.GUIDE)
    ends = [1 - plateau + violation * plateau, 1 - plateau]
    ax.plot([0, plateau], ends, **style.THEORY, zorder=4)
    ax.annotate(f"slope −$X$ = −{violation:.4f}", (0.04, 0.33), fontsize=8)
    waiting = numbers["waiting_time"].values
    for row, color in enumerate(style.ages(waiting)):
        one = numbers.isel(waiting_time=row)
        ax.plot(one["correlation"], one["response"], color=color, label=style.power(waiting[row]))
    for row in range(numbers.sizes.get("bath", 0)):
        one = numbers.isel(bath=row)
        ax.plot(one["equilibrium_correlation"], one["equilibrium_response"], color=style.HEAT(0.95))
    baths = ", ".join(f"$T$ = {value:g}" for value in numbers["bath"].values) if "bath" in numbers else ""
    ax.annotate(
        f"FDT ({baths})" if baths else "FDT", (0.22, 0.8), fontsize=8, color=style.HEAT(0.95) if baths else "0.25"
    )
    ax.set(xlabel="$C(t_w + t, t_w)$", ylabel=r"$T\,\chi(t_w + t, t_w)$", xlim=(0, 1), ylim=(0, 1.02))
    ax.set_title(solved.title(numbers))
    ax.legend(title="$t_w$", loc="upper right")


def _slopes(ax: Axes, numbers: xr.Dataset) -> None:
    plateau, violation = float(numbers["plateau"]), float(numbers["violation"])
    ax.plot([0, plateau, plateau, 1], [violation, violation, 1, 1], **style.THEORY, zorder=4)
    ax.axvline(plateau, **style.GUIDE)
    ax.annotate("$X$", (plateau, violation), xytext=(6, -3), textcoords="offset points", fontsize=8)
    ax.annotate(r"$q_\mathrm{EA}$", (plateau, 0.42), xytext=(3, 0), textcoords="offset points", fontsize=8)
    for row, color in enumerate(style.ages(numbers["waiting_time"].values)):
        one = numbers.isel(waiting_time=row)
        ax.plot(one["correlation"], one["slope"], color=color)
    ax.set(
        xlabel="$C(t_w + t, t_w)$", ylabel=r"local slope $-T\,\mathrm{d}\chi/\mathrm{d}C$", xlim=(0, 1), ylim=(0.4, 1.1)
    )
