"""KWJ Fig. A7: the long-time overlap of weights in a harmonic well against T, with measured w(t_w) and epsilon.

Needs ``runs``: one Langevin run with weight decay.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from quench.estimators import powerlaw
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj import wells
from quench.numerics import intervals

NEEDS = {"runs": 1}
LABEL = "Fig. A7"
SECTION = "App. G The long-time limit of Q(t), further"
TITLE = "Long-time overlap in a harmonic well"
CAPTION = (
    "Q_inf of KWJ Eq. 22 with stiffness lambda and the measured epsilon; points: w(t_w) of the run at each temperature; "
    "line: w(t_w) of the coldest run. The exponent is not exactly -1/2, since it depends on the share of weights near "
    "zero."
)
# Temperatures of the line.
DENSE = 60
MEANS = {
    "dense_temperature": "temperatures T of the drawn line",
    "plateau_line": "overlap Q of the harmonic well at infinite time, at the drawn temperatures",
    "plateau": "overlap Q of the harmonic well at infinite time",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Q_inf at the run's temperatures, on a dense grid, and the exponent over the run's temperatures."""
    (name,) = inputs.of("runs")
    run, files = inputs.run(name), inputs.networks(name)
    kept = run["temperature"].values > 0
    temperatures = run["temperature"].values[kept]
    own = np.array(
        [
            wells.overlaps(dataset, temperature=float(t), facts=run.attrs)[0]
            for t, dataset in zip(run["temperature"].values, files, strict=True)
            if t > 0
        ]
    )
    grid = np.geomspace(temperatures.min(), temperatures.max(), DENSE)
    line = [wells.overlaps(files[-1], temperature=float(t), facts=run.attrs)[0].mean() for t in grid]
    hot = own.mean(axis=1) < 0.3
    single = powerlaw.exponents(temperatures[hot], own[hot])
    found = intervals.mean(single)
    return xr.Dataset(
        {
            "plateau": ("temperature", own.mean(axis=1)),
            "plateau_line": ("dense_temperature", line),
            "exponent": found.value,
            "exponent_low": found.low,
            "exponent_high": found.high,
            "exponent_single": ("network", single),
            "weight_decay": run.attrs["weight_decay"],
            "n_networks": run.attrs["n_networks"],
        },
        coords={"temperature": temperatures, "dense_temperature": grid},
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(1, height=3.0, width=3.9)
    ax = axes[0, 0]
    temperatures, values = numbers["temperature"].values, numbers["plateau"].values
    ax.plot(numbers["dense_temperature"], numbers["plateau_line"], color=style.HEAT(0.08))
    ax.plot(temperatures, values, "o", ms=4.5, mfc="white", mec=style.HEAT(0.08))
    hottest = temperatures.max()
    span = np.array([hottest / 1e3, hottest])
    level = values[temperatures.argmax()]
    ax.plot(span, 1.8 * level * (span / hottest) ** -0.5, color=style.HEAT(0.95), ls="--", lw=1.2, label="$T^{-1/2}$")
    exponent = float(numbers["exponent"])
    if np.isfinite(exponent):
        ax.plot([], [], " ", label=rf"exponent where $Q_\infty<0.3$: ${exponent:.2f}$")
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$Q_\infty$ (harmonic well)")
    ax.set_title(rf"$k=\lambda$ = {float(numbers['weight_decay']):g}")
    style.log_ticks(ax)
    ax.legend(loc="lower left")
    return style.finish(figure, axes.flat, numbers)
