"""BJ Fig. 1: the glass itself: energy and mean square displacement of the spherical p-spin model after a quench.

Needs ``glass``: one solved quench to below T_d (the paper: p = 3, T = 0.5).
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import solved

NEEDS = {"glass": 1}
LABEL = "Fig. 1"
SECTION = "2 Basic facts on glassy dynamics"
TITLE = "The glass: energy and displacement of the p-spin model after a quench"
CAPTION = (
    "Spherical p-spin model quenched from infinite temperature to T (title), below its dynamical transition, solved at "
    "infinite N (Cugliandolo-Kurchan equations). (a) Energy per spin, and for comparison an exponential with the same "
    "initial slope -p/2 and the same limit, the threshold energy E_th (dotted). Inset: distance to E_th. (b) Mean square "
    "displacement Delta(t_w, t_w + t) = 2 (1 - C) for several waiting times t_w; dotted: the plateau 2 (1 - q_EA) at "
    "infinite age, and 2, where all memory is lost. Times are in units of the inverse friction, energies in units of the "
    "coupling; estimated errors are far smaller than the width of the lines."
)
MEANS = {
    "time": ("time since the quench", "1/friction"),
    "exponential": "exponential with the initial slope and the limit of E",
    "excess": "energy above the threshold, E - E_th",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """E, its exponential and excess over E_th (time); Delta (waiting_time, lag); errors, q_EA, X, E_th."""
    model, quench = solved.ageing(inputs, "bj.fig1")
    limit, rate = quench["threshold_energy"], float(model.covariance.df(1.0))
    names = ("energy", "energy_error", "displacement", "displacement_error", "threshold_energy", "plateau", "violation")
    return quench[list(names)].assign(
        exponential=limit * -np.expm1(quench["time"] * rate / limit), excess=quench["energy"] - limit
    )


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _energy, _displacement, height=2.9)


def _energy(ax: Axes, numbers: xr.Dataset) -> None:
    shown = numbers.isel(time=numbers["time"].values > 0)
    time = shown["time"].values
    spins = numbers.attrs.get("p")
    ax.plot(time, shown["energy"], color=panels.AGES(0.1), lw=1.6, label=f"{spins}-spin glass" if spins else "glass")
    ax.plot(time, shown["exponential"], **style.THEORY, label="exponential")
    style.level(ax, float(numbers["threshold_energy"]), r"$E_\mathrm{th}$")
    ax.set_xscale("log")
    ax.set(xlabel="$t$", ylabel="$E(t)$", xlim=(time[0], time[-1]))
    ax.set_ylim(min(-0.95, 1.07 * float(numbers["threshold_energy"])), 0.03)
    ax.set_title(solved.title(numbers))
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.07))
    style.log_ticks(ax)
    inset = ax.inset_axes((0.55, 0.47, 0.42, 0.48))
    inset.plot(time, shown["excess"], color=panels.AGES(0.1), lw=1.3)
    left = (shown["exponential"] - numbers["threshold_energy"]).values
    inset.plot(time[left > 0], left[left > 0], **style.THEORY)
    excess = shown["excess"].values
    inset.set(xscale="log", yscale="log", xlim=(time[0], time[-1]), ylim=(excess[-1] / 3, 2))
    inset.set_title(r"$E - E_\mathrm{th}$", fontsize=7.5, pad=2)
    inset.tick_params(labelsize=6.5)
    style.log_ticks(inset)


def _displacement(ax: Axes, numbers: xr.Dataset) -> None:
    curves = numbers["displacement"].isel(lag=numbers["lag"].values > 0)
    waiting = curves["waiting_time"].values
    lags = curves["lag"].values
    for row, color in enumerate(panels.ages(waiting)):
        ax.plot(lags, curves.values[row], color=color, label=style.power(waiting[row]))
    style.level(ax, 2 * (1 - float(numbers["plateau"])), r"$2(1 - q_\mathrm{EA})$")
    style.level(ax, 2.0, r"$\Delta = 2$")
    ax.set(xscale="log", yscale="log", xlabel="$t$", ylabel=r"$\Delta(t_w, t_w+t)$", xlim=(lags[0], lags[-1]))
    ax.set_ylim(top=3)
    ax.legend(title="$t_w$", loc="lower right")
    style.log_ticks(ax)
