"""KWJ Fig. A5: overlap of Brownian weights in a steep and a shallow quadratic well, in closed form. Needs no files."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.theory import brownian
from quench.theory.harmonic import Well

LABEL = "Fig. A5"
SECTION = "App. F Weights in a quadratic basin"
TITLE = "Overlap in a quadratic well"
CAPTION = (
    "Overlap of a weight that starts at w(0) = 1 in the well (k/2) w^2 under thermal noise (KWJ Eq. 20; epsilon = 0.1, 2T "
    "= 1, mu = 1, continuous time), for a high and a low spring constant k. Dotted: the limits Q_inf (KWJ Eq. 22). Dashed: "
    "free Brownian weights, which the shallow well follows up to its relaxation time."
)
# Values of the paper; the figure simulates nothing.
START, EPSILON, TEMPERATURE, STEP_SIZE = 1.0, 0.1, 0.5, 1.0
STIFFNESSES = (100.0, 0.01)
MEANS = {
    "stiffness": "stiffness k of the harmonic well",
    "overlap": "overlap Q",
    "overlap_plateau": "overlap Q of the harmonic well at infinite time",
    "time": "time t",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Q (stiffness, time), its limit (stiffness), and the overlap of free weights (time)."""
    times = np.geomspace(1e-5, 1e4, 541)
    wells = [Well(stiffness, STEP_SIZE, TEMPERATURE) for stiffness in STIFFNESSES]
    return xr.Dataset(
        {
            "overlap": (("stiffness", "time"), [well.overlap(times, START, EPSILON) for well in wells]),
            "overlap_plateau": ("stiffness", [well.overlap_plateau(START, EPSILON) for well in wells]),
            "overlap_brownian": ("time", brownian.overlap(times, EPSILON, wells[0].diffusion)),
        },
        coords={"stiffness": list(STIFFNESSES), "time": times},
        attrs={"start": START, "epsilon": EPSILON, "temperature": TEMPERATURE, "step_size": STEP_SIZE},
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1)
    ax = axes[0, 0]
    times = numbers["time"].values
    for row, color in ((0, style.HEAT(0.95)), (1, style.HEAT(0.05))):
        curve = numbers.isel(stiffness=row)
        ax.plot(times, curve["overlap"], color=color, label=f"$k$ = {float(curve['stiffness']):g}")
        plateau = float(curve["overlap_plateau"])
        # A limit near zero needs no line.
        if plateau > 1e-3:
            ax.axhline(plateau, **style.GUIDE)
    ax.plot(times, numbers["overlap_brownian"], **style.THEORY, label="free Brownian weights")
    ax.set_xscale("log")
    ax.set(xlabel="$t$", ylabel="$Q(t)$", ylim=(0, 1.03), xlim=(times[0], times[-1]))
    style.log_ticks(ax)
    ax.legend(loc="upper right")
    return figure
