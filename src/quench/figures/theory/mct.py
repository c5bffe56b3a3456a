"""Schematic mode-coupling theory: F1 and F2 around their transitions, and beside the rescaled overlap of a run.

Needs ``runs``: one Langevin run, whose overlaps against t / tau90 fill the last panel.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import brentq

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.theory import brownian
from quench.theory.mct import critical, schematic

NEEDS = {"runs": 1}
LABEL = "F1 and F2"
SECTION = "Mode-coupling theory"
TITLE = "Mode-coupling theory beside the overlap of networks"
CAPTION = (
    "Schematic mode-coupling theory (Omega = 1) at relative distances sigma from the transition: (a) F1 (v1 = 1 + sigma), "
    "with critical decay t^-1/2; (b) F2 (v2 = 4 (1 + sigma)), with the plateau f_c = 1/2. (c) Overlap of networks against "
    "t / tau90 from hot (red) to cold (blue), beside critical F1 and F2 and free Brownian weights, each scaled to 0.9 at "
    "1: a decay near t^-1/2 alone does not distinguish F1 from free diffusion."
)
T_MAX = 1e10
DISTANCES = (-1e-1, -1e-2, -1e-3, -1e-4, 0.0, 1e-4, 1e-3, 1e-2, 1e-1)
MEANS = {
    "model": "schematic model of mode-coupling theory",
    "distance": "distance sigma from the transition",
    "phi": "correlator phi of mode-coupling theory",
    "error": "estimated error of phi",
    "critical_exponent": "exponent of the critical decay",
    "critical_scaled": "critical phi against t / tau90",
    "brownian_scaled": "Q of free Brownian weights against t / tau90",
    "time": "time, in units of 1/Omega",
    "plateau": "plateau of phi at the transition",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """phi (model, distance, time); overlaps (temperature, lag) with tau90; theory against t / tau90 (scaled_time)."""
    times = np.geomspace(1e-2, T_MAX, 481)
    models: dict[str, list[tuple[float, ...]]] = {
        "F1": [(1 + d,) for d in DISTANCES],
        "F2": [(0.0, 4 * (1 + d)) for d in DISTANCES],
    }
    solutions = {name: [schematic.solve(v, T_MAX) for v in couplings] for name, couplings in models.items()}
    scaled = np.geomspace(1e-2, 1e3, 201)
    (name,) = inputs.of("runs")
    run = inputs.run(name)
    moved = run[["overlap_mean", "tau90_mean"]].where(np.isfinite(run["tau90_mean"]), drop=True)
    return xr.Dataset(
        {
            "phi": (("model", "distance", "time"), [[phi(times) for phi in row] for row in solutions.values()]),
            "error": (("model", "distance"), [[phi.errors.max() for phi in row] for row in solutions.values()]),
            "plateau": ("model", [critical.critical_plateau(0.0), critical.critical_plateau(4.0)]),
            "critical_exponent": (
                "model",
                [critical.critical_exponent(critical.exponent_parameter(v2)) for v2 in (0.0, 4.0)],
            ),
            "critical_scaled": (
                ("model", "scaled_time"),
                [_scaled(row[DISTANCES.index(0.0)], scaled) for row in solutions.values()],
            ),
            # epsilon and D drop out of Q against t / tau90.
            "brownian_scaled": ("scaled_time", brownian.overlap(scaled * brownian.tau90(1.0, 1.0), 1.0, 1.0)),
        },
        coords={"model": list(models), "distance": list(DISTANCES), "time": times, "scaled_time": scaled},
        attrs={"chi": run.attrs["chi"]},
    ).merge(moved)


def _scaled(phi: schematic.Correlator, scaled: np.ndarray) -> np.ndarray:
    """phi against time in units of the time at which it is 0.9."""
    return phi(scaled * brentq(lambda t: phi(t) - 0.9, 0.0, 1.0, xtol=1e-14))


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(3)
    _around(axes[0, 0], numbers.sel(model="F1"))
    axes[0, 0].set_yscale("log")
    axes[0, 0].set(ylim=(1e-6, 1.5), title=r"F1, $v_1 = 1 + \sigma$")
    style.guide(axes[0, 0], (1e-1, 1e3), 0.02, -0.5, "$t^{-1/2}$", above=False)
    _around(axes[0, 1], numbers.sel(model="F2"))
    axes[0, 1].axhline(float(numbers["plateau"].sel(model="F2")), **style.GUIDE)
    axes[0, 1].set(ylim=(0, 1.03), title=r"F2, $v_2 = 4(1 + \sigma)$")
    axes[0, 1].legend(loc="upper right")
    _beside(axes[0, 2], numbers)
    for ax in axes.flat:
        style.log_ticks(ax)
    return style.finish(figure, axes.flat, numbers)


def _around(ax: Axes, one: xr.Dataset) -> None:
    """phi at every distance: liquid red, glass blue, both paler with distance from the transition; critical black."""
    distances = np.sort(one["distance"].values)
    nearest = np.abs(distances[distances != 0]).min()
    for distance in distances:
        curve = one["phi"].sel(distance=distance)
        if distance == 0:
            ax.plot(curve["time"], curve, color="black", linewidth=1.6, zorder=3, label=r"critical, $\sigma = 0$")
            continue
        nearness = np.log(abs(distance)) / np.log(nearest)
        color, phase = (style.HEAT(0.95), "liquid") if distance < 0 else (style.HEAT(0.05), "glass")
        label = rf"{phase}, $|\sigma|$ ≥ {style.power(nearest)}" if abs(distance) == nearest else None
        ax.plot(curve["time"], curve, color=color, alpha=0.3 + 0.7 * nearness, linewidth=1.0, label=label)
    ax.set_xscale("log")
    ax.set(xlabel=r"$t\,\Omega$", ylabel=r"$\phi(t)$", xlim=(one["time"].values[0], one["time"].values[-1]))


def _beside(ax: Axes, numbers: xr.Dataset) -> None:
    temperatures = numbers["temperature"].values
    for row, color in zip(range(len(temperatures)), style.colors(temperatures), strict=True):
        curve = numbers.isel(temperature=row)
        shown = curve["lag"].values > 0
        times = curve["lag"].values[shown] / float(curve["tau90_mean"])
        ax.plot(times, curve["overlap_mean"].values[shown], color=color, alpha=0.8, linewidth=1.0)
    scaled = numbers["scaled_time"]
    ax.plot(scaled, numbers["brownian_scaled"], **style.THEORY, label="free Brownian")
    ax.plot(scaled, numbers["critical_scaled"].sel(model="F1"), color="black", linewidth=1.2, label="F1, critical")
    ax.plot(
        scaled, numbers["critical_scaled"].sel(model="F2"), color="black", linewidth=1.2, ls="-.", label="F2, critical"
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set(xlabel=r"$t/\tau_{90}$", ylabel="$Q$", xlim=(1e-2, 1e3), ylim=(0.02, 1.3))
    ax.set_title(rf"networks, $\chi$ = {numbers.attrs['chi']:g}")
    ax.legend(loc="lower left")
