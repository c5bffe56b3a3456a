"""Differences between networks: relative spread of the final displacement over networks, against temperature.

Needs ``runs``: one Langevin run.
"""

import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs

NEEDS = {"runs": 1}
TITLE = "Spread of the displacement over networks"
CAPTION = "Standard deviation over networks of the mean square displacement at the longest lag, over its mean."
MEANS = {"spread": "standard deviation of the final displacement over networks, over its mean"}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Relative spread (temperature) over networks."""
    (name,) = inputs.of("runs")
    final = [one["msd"].dropna("lag", how="all").isel(lag=-1) for one in inputs.networks(name)]
    spread = [float(msd.std("network") / msd.mean("network")) for msd in final]
    run = inputs.run(name)
    return xr.Dataset({"spread": ("temperature", spread)}, {"temperature": run["temperature"].values}, run.attrs)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1)
    axes[0, 0].plot(numbers["temperature"], numbers["spread"], "o-", color="0.3")
    axes[0, 0].set(xscale="symlog", xlabel="$T$", ylabel="spread of the MSD")
    return figure
