"""KWJ Fig. A9 and A10: tau90 against T at several waiting times of one run.

Needs ``runs``: one Langevin run; all its waiting times are shown.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import draw_kinked, kinked, title
from quench.figures.stacking import stack_panels

NEEDS = {"runs": 1}
LABEL = "Fig. A9"
SECTION = "App. J Ageing"
TITLE = "Relaxation at several waiting times, regularised"
CAPTION = (
    "Time tau90 against T from the shortest (dark) to the longest (bright) waiting time, with 95 % intervals. "
    "Dashed: free Brownian weights, no free parameter; horizontal lines: T = 0."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """tau90 with its interval (waiting_time, temperature), the Brownian line and the kink T* (waiting_time)."""
    (name,) = inputs.of("runs")
    parts = []
    for waiting_time in inputs.of("runs")[name][0]["waiting_time"].values:
        part = kinked(inputs, name, waiting_time=int(waiting_time))
        part = part.assign(chi=part.attrs["chi"]).drop_vars("waiting_time", errors="ignore")
        parts.append(part.expand_dims(waiting_time=[int(waiting_time)]))
    return stack_panels(parts, "waiting_time").assign_attrs(run=name)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1, height=3.2, width=4.4)
    ax = axes[0, 0]
    draw_kinked(ax, numbers, "waiting_time", lambda age: f"$t_w$ = {style.power(age)}")
    free = numbers["tau90_brownian"].isel(waiting_time=-1, temperature=numbers["temperature"].values > 0)
    ax.plot(free["temperature"], free, **style.THEORY, label="free Brownian weights")
    seen = numbers["tau90_mean"].values
    ax.set_ylim(np.nanmin(seen) / 3, np.nanmax(seen) * 6)
    ax.set_title(title(str(numbers.attrs["run"])))
    style.log_ticks(ax)
    ax.legend(loc="lower left")
    return style.finish(figure, axes.flat, numbers)
