"""KWJ Fig. 8: overlap at several waiting times, and tau90 against the waiting time; one row per phase.

Needs ``runs``: Langevin runs of one temperature with several waiting times; ``fit``: the window of t_w for the exponent.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import ageing
from quench.figures.kwj.panels import title

NEEDS = {"runs": 1}
LABEL = "Fig. 8"
SECTION = "III.6 Ageing"
TITLE = "Ageing"
CAPTION = (
    "Left: overlap Q(t, t_w) from the youngest (dark) to the oldest (bright) waiting time, with 95 % bands. Right: time "
    "tau90 against the waiting time t_w; large points: mean overlap, with intervals; small points: single networks; "
    "dashed: mean of the networks' maximum-likelihood power laws, with its 95 % interval. Networks that do not reach 0.9 "
    "are censored at the longest lag. A run at a temperature of Fig. 3 is the same trajectory, recorded at other times."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Overlaps, relaxation times and ageing exponents of every run along ``panel``."""
    return ageing.stacked(inputs)


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    figure, axes = style.new(2, rows=len(names), width=3.6)
    for (left, right), name in zip(axes, names, strict=True):
        one = ageing.panel(numbers, name)
        ageing.draw_overlaps(left, one)
        ageing.draw_times(right, one)
        left.set_title(rf"{title(name)}, $T$ = {style.power(float(one['temperature']))}")
    return style.finish(figure, axes.flat, numbers)
