"""Glass beside network: displacements of the p-spin glass and of classifiers against t / t_w.

Needs ``glass``: one solution or simulation with a correlation; ``classifiers``: any number.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.errors import QuenchError
from quench.figures import style
from quench.figures.bj import panels
from quench.figures.figure_inputs import FigureInputs
from quench.store.variables import config_of

NEEDS = {"glass": 1}
LABEL = "Glass and network"
SECTION = "Beyond the paper"
TITLE = "Glass beside network"
CAPTION = (
    "Mean square displacement against t / t_w, one curve per t_w: the spherical p-spin glass after a quench, Delta = 2 (1 "
    "- C), and networks during training. Under full ageing the late parts of all curves of a panel coincide; only in the "
    "glass do they follow a plateau."
)
MEANS = {
    "waiting_time": "waiting time t_w: updates, and of the glass units of the inverse friction",
    "lag": "lag t, in the same units",
    "displacement": "mean square displacement Delta(t_w, t_w + t)",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Displacements (panel, waiting_time, lag)."""
    parts = {}
    for name, datasets in inputs.of("glass").items():
        found = datasets[0]
        if "correlation" not in found:
            raise QuenchError(f"bj.glass: {name!r} has no correlation (waiting_time, lag)")
        delta = 2 * (1 - found["correlation"]).transpose("waiting_time", "lag")
        title = f"{config_of(found).get('p', 3)}-spin glass"
        parts[name] = xr.Dataset({"displacement": delta.astype(float), "title": title}).drop_vars(
            [c for c in delta.coords if c not in ("waiting_time", "lag")]
        )
    for name in inputs.of("classifiers"):
        training = inputs.training(name)
        numbers = panels.displacements(training)[["displacement", "t1", "t2"]]
        parts[name] = numbers.assign(title=panels.title(training))
    return panels.stacked(parts)


def draw(numbers: xr.Dataset) -> Figure:
    names = numbers["panel"].values
    figure, axes = style.new(len(names), height=2.9, width=2.8)
    for ax, name in zip(axes.flat, names, strict=True):
        one = numbers.sel(panel=name).dropna("waiting_time", how="all", subset=["displacement"])
        one = one.isel(waiting_time=one["waiting_time"].values > 0)
        waiting = one["waiting_time"].values
        for row, color in enumerate(panels.ages(waiting)):
            values = one["displacement"].values[row]
            known = np.isfinite(values) & (values > 0) & (one["lag"].values > 0)
            label = style.power(float(f"{waiting[row]:.3g}")) if row in (0, len(waiting) - 1) else None
            ax.plot(one["lag"].values[known] / waiting[row], values[known], color=color, lw=1.1, label=label)
        ax.set(xscale="log", yscale="log", xlabel="$t / t_w$", title=str(one["title"].values))
        ax.legend(title="$t_w$", loc="lower right")
        style.log_ticks(ax)
    axes[0, 0].set_ylabel(r"$\Delta(t_w, t_w+t)$")
    return style.finish(figure, axes.flat, numbers)
