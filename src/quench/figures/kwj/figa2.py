"""KWJ Fig. A2: the training loss of single networks under SGD, then under Langevin dynamics past the waiting time.

Needs ``ensembles``: one, and ``runs``: one Langevin run of it. ``temperatures``: the one to show; by default the hottest.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.store.variables import config_of

NEEDS = {"ensembles": 1, "runs": 1}
LABEL = "Fig. A2"
SECTION = "App. C Measurement process"
TITLE = "Training loss during preparation and measurement"
CAPTION = (
    "Training loss with regularisation, one line per network: SGD and full-batch descent (blue), then Langevin dynamics "
    "(red). Dotted: the waiting times, at which measurements start. Time counts updates, on a logarithmic axis for each of "
    "the two."
)


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Loss of every network against updates, of the preparation and of the Langevin dynamics at one temperature."""
    prepared = xr.concat([part["loss"] for part in next(iter(inputs.of("ensembles").values()))], "network")
    files = {
        config_of(dataset)["trajectory"]["temperature"]: dataset for dataset in next(iter(inputs.of("runs").values()))
    }
    (temperature, *_) = inputs.choices.get("temperatures") or [max(files)]
    chosen = files[temperature]
    keep = ["network", "seed"]
    return xr.Dataset(
        {
            "preparation_loss": prepared.drop_vars(set(prepared.coords) - {*keep, "time"}).rename(
                time="preparation_time"
            ),
            "langevin_loss": chosen["loss"].drop_vars(set(chosen["loss"].coords) - {*keep, "time"}),
        }
    ).assign_attrs(temperature=temperature, waiting_times=chosen["waiting_time"].values)


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(2, height=2.8)
    stages = (
        (axes[0, 0], "preparation_loss", "preparation_time", style.HEAT(0.08), "SGD, then full-batch descent"),
        (axes[0, 1], "langevin_loss", "time", style.HEAT(0.95), f"Langevin, $T$ = {style.power(numbers.temperature)}"),
    )
    for ax, loss, time, color, title in stages:
        ax.plot(numbers[time] + 1, numbers[loss].transpose(time, "network"), color=color, alpha=0.8, linewidth=1.0)
        ax.set_xscale("log")
        ax.set_title(title)
    axes[0, 0].set(xlabel="updates + 1", ylabel=r"$\mathcal{L}$", ylim=(0, None))
    values = numbers["langevin_loss"].values
    low, high = np.nanmin(values), np.nanmax(values)
    margin = max(0.1 * (high - low), 0.02 * high)
    axes[0, 1].set(xlabel="updates + 1", ylim=(low - margin, high + 2 * margin))
    for waiting_time in np.atleast_1d(numbers.waiting_times):
        axes[0, 1].axvline(waiting_time + 1, **style.GUIDE)
    axes[0, 1].text(0.03, 0.96, "dotted: $t_w$", transform=axes[0, 1].transAxes, va="top", fontsize=7.5, color="0.25")
    return style.finish(figure, axes.flat, numbers)
