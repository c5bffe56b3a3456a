"""Displacement at temperature T beside that of the same network at T = 0: their cosine and the projection.

Needs ``response``: Langevin runs with snapshots and the point T = 0.
"""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.ours import responses

NEEDS = {"response": 1}
LABEL = "Drift at T and at T = 0"
TITLE = "The drift of a warm network is that of the cold one"
CAPTION = (
    "The same networks from the same weights at temperature T and at T = 0, over the same lag (the largest even one near "
    "10,000 updates) after the oldest t_w; mean over networks with 95 % intervals. (a) Cosine of the two displacements. "
    "(b) Projection of the warm displacement on the cold one, in units of the latter: 1 where the noise only adds to the "
    "drift. Networks that do not move at T = 0 have no projection."
)
MEANS = responses.MEANS
LAG = 10_000


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Cosine and projection at the oldest t_w and the lag nearest to ``LAG`` (panel, temperature)."""
    numbers = responses.stacked(inputs)
    kept = [name for name in numbers if str(name).startswith("control") or name in ("ratio_mean", "n_networks")]
    parts = [
        responses.near(responses.oldest(numbers[kept].sel(panel=name)), LAG).expand_dims("panel")
        for name in numbers["panel"].values
    ]
    return xr.concat(parts, "panel", join="outer", data_vars="all", coords="different", compat="equals").drop_vars(
        "ratio_mean"
    )


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(
        numbers,
        lambda ax, one: _against_temperature(ax, one, "control_cosine", "cosine with the run at $T=0$"),
        lambda ax, one: _against_temperature(ax, one, "control_projection", "projection on the run at $T=0$"),
    )


def _against_temperature(ax: Axes, numbers: xr.Dataset, quantity: str, label: str) -> None:
    for place, name in enumerate(numbers["panel"].values):
        one = numbers.sel(panel=name).dropna("temperature", subset=[f"{quantity}_mean"])
        if not one.sizes["temperature"]:
            continue
        value, low, high = (one[f"{quantity}_{end}"].values for end in ("mean", "low", "high"))
        style.points(
            ax, one["temperature"].values, value, low, high, f"C{place}", label=title(str(name)), linestyle="-", lw=0.8
        )
    ax.axhline(1, **style.GUIDE)
    ax.set(xscale="log", xlabel="$T$", ylabel=label)
    if ax.containers:
        ax.legend()
