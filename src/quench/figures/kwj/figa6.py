"""KWJ Fig. A6: time-temperature superposition in the phases without regularisation, one panel per run.

Needs ``runs``: Langevin runs; ``fit``: the window of t / tau90 for the exponents.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import collapse
from quench.figures.kwj.panels import columns
from quench.figures.stacking import stack_panels

NEEDS = {"runs": 1}
LABEL = "Fig. A6"
SECTION = "App. G The long-time limit of Q(t), further"
TITLE = "Time-temperature superposition without regularisation"
CAPTION = (
    "Overlap against t/tau90 as in Fig. 4(a), from hot (red) to cold (blue). Dashed: free Brownian weights, no free "
    "parameter. Open circles: a curve leaves that line for good, by more than 15 %; "
    "curves that leave it at different places do not collapse."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Numbers of the collapse of every run along ``panel``."""
    parts = [collapse.numbers(inputs, name).expand_dims(panel=[name]) for name in inputs.of("runs")]
    return stack_panels(parts).sortby("temperature", ascending=False)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = columns(numbers, collapse.draw, height=3.3, width=3.7)
    return style.finish(figure, axes.flat, numbers)
