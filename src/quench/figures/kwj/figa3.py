"""KWJ Fig. A3: the two transitions with CIFAR-10, or with any other dataset of the scans.

Needs ``scans``: the line lambda = 0, and the line of one width, in this order.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import phases

NEEDS = {"scans": 2}
LABEL = "Fig. A3"
SECTION = "App. D Transitions with CIFAR-10"
TITLE = "Both transitions with CIFAR-10"
CAPTION = (
    "(a) Final loss against N/P_D at lambda = 0, one point per network, and N* as in Fig. 1(b). (b) Final total loss "
    "against lambda, one line per network, and lambda* as in Fig. 1(c)."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Losses and thresholds of the two scans; variables are prefixed uot_ and ttt_."""
    line, column = (inputs.scan(name) for name in inputs.of("scans"))
    return xr.merge([phases.fitting(line), phases.trivialising(column)])


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, phases.draw_fitting, phases.draw_trivialising, height=3.0)
