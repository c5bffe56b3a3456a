"""KWJ Fig. 1: the phase diagram (a), the under-to-overparameterised transition (b) and topology trivialisation (c).

Needs ``scans``: the plane, the line lambda = 0, and the line of one width, in this order.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import phases

NEEDS = {"scans": 3}
LABEL = "Fig. 1"
SECTION = "III.1 Phase diagram"
TITLE = "Glass-like transitions in neural networks"
CAPTION = (
    "(a) Final training loss, an average over networks that its scale names, on the (N/P_D, lambda) plane; white: the "
    "quadratic boundary, the median lambda* of the networks of each width, and N* on the line lambda = 0. Above it: "
    "sketches of the loss along a direction of weight space in each phase, 0 dotted. (b) Final loss against N/P_D at "
    "lambda = 0, one point per network, losses below 1e-12 at 0; at N* half of the networks end below 1e-3 (isotonic fit, "
    "95 % band over seeds) after the training time of this scenario; longer training lowers it. (c) Final total loss "
    "against lambda, one line per network; ticks: lambda* of each network, where it collapses to W = 0; dashed with band: "
    "their median and its 95 % interval."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Losses and thresholds of the three scans; variables are prefixed map_, uot_ and ttt_."""
    plane, line, column = (inputs.scan(name) for name in inputs.of("scans"))
    average = inputs.choices.get("average", "median")
    return xr.merge([phases.grid(plane, average), phases.fitting(line), phases.trivialising(column)])


def draw(numbers: xr.Dataset) -> Figure:
    panels = (phases.draw_grid, phases.draw_fitting, phases.draw_trivialising)
    figure = style.row(numbers, *panels, height=3.0, width=3.3)
    phases.sketch_landscapes(figure.axes[0])
    return figure
