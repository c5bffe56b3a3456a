"""Response of the weights to a field, over that of free weights, against the lag at all temperatures.

Needs ``response``: Langevin runs; optionally ``curvature``: those beside which the prediction of their Hessian is shown.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.fluctuation_dissipation import drift_temperature
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.ours import responses
from quench.networks.state import singles
from quench.store.variables import concat_chunks
from quench.theory import harmonic

NEEDS = {"response": 1}
LABEL = "Response of the weights"
TITLE = "The response of the weights hardly depends on the temperature"
CAPTION = (
    "G, the response to a field that is switched on at the oldest t_w over that of a free weight, from the correlation of "
    "the displacement with the noise, from hot (red) to cold (blue), with 95 % intervals over networks. Where the network "
    "also ran at T = 0 from the same weights, that displacement is subtracted, which leaves the mean as it is and makes the "
    "error smaller. G = 1 for free weights. Dashed, without a parameter: the response of the harmonic basin around w(t_w), "
    "the mean over the eigenvalues k of the Hessian at the coldest T of (1 - (1 - mu k)^t)/(mu k t), with k cut off at 0 "
    "and at 2/mu. Temperatures whose interval at lag 1,000 is wider than 0.2 are left out. A run "
    "with one temperature and many waiting times: drift temperature T_0 = T (1/X - 1) at the lag nearest to 1,000 updates, "
    "against t_w."
)
MEANS = {
    **responses.MEANS,
    "harmonic": "response G of the harmonic basin, from the eigenvalues of the Hessian at the oldest t_w and coldest T",
    "drift": "drift temperature T_0 = T (1/X - 1)",
    "drift_mean": "drift temperature T_0 = T (1/X - 1)",
}
LAG = 1000
WIDEST = 0.2
ENDS = ("mean", "low", "high")


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Numbers of ``responses.of_run`` (panel, ...) that this figure and its claims need."""
    numbers = responses.stacked(inputs)
    at = responses.near(numbers, LAG).drop_vars("lag")
    # T_0 falls as X rises: the ends change places.
    ends = {"mean": "mean", "low": "high", "high": "low"}
    numbers = numbers.assign(
        {f"drift_{end}": drift_temperature(at["temperature"], at[f"ratio_{of}"]) for end, of in ends.items()}
    )
    if inputs.of("curvature"):
        parts = [_harmonic(inputs, name, numbers) for name in inputs.of("curvature")]
        numbers["harmonic"] = xr.concat(parts, "panel").reindex(panel=numbers["panel"])
    return numbers.drop_vars([name for name in numbers if str(name).startswith(("layer", "control"))])


def _harmonic(inputs: FigureInputs, name: str, numbers: xr.Dataset) -> xr.DataArray:
    """Response of the harmonic basin of a run (lag), mean over the averaged networks."""
    stiffness = concat_chunks([one[["stiffness"]] for one in inputs.of("curvature")[name]], "network")
    averaged = singles(inputs.of("response")[name][0])["seed"].values
    chosen = np.isin(stiffness["seed"].values, averaged)
    step_size, lags = float(numbers["step_size"].sel(panel=name)), numbers["lag"].values
    found = harmonic.response(stiffness["stiffness"].values[chosen], step_size, lags)
    return xr.DataArray(found.mean(axis=(0, 1)), {"lag": lags, "panel": name}, dims="lag")


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    columns = min(len(names), 2 if len(names) == 4 else 3)
    figure, axes = style.new(columns, rows=-(-len(names) // columns))
    for ax, name in zip(axes.flat, names, strict=False):
        one = numbers.sel(panel=name)
        if one["ratio_mean"].notnull().any(["waiting_time", "lag"]).sum() > 1:
            _against_lag(ax, responses.oldest(one), numbers)
        else:
            _against_age(ax, one)
        ax.set_title(title(name))
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    return style.finish(figure, axes.flat, numbers)


def _against_lag(ax: Axes, one: xr.Dataset, numbers: xr.Dataset) -> None:
    at = responses.near(one, LAG)
    one = one.isel(temperature=(at["response_high"] - at["response_low"] < WIDEST).values)
    for row, color in enumerate(style.colors(one["temperature"].values, numbers["temperature"].values)):
        style.curve(ax, one["lag"].values, one.isel(temperature=row), "response", color)
    if "harmonic" in one:
        even = responses.even(one)
        ax.plot(even["lag"], even["harmonic"], color="black", linestyle="--", zorder=5)
    ax.axhline(1, **style.GUIDE)
    ax.set(xscale="log", xlabel="$t$ (updates)", ylabel=r"$G = T\chi/(D t)$", ylim=(0, 1.3))


def _against_age(ax: Axes, one: xr.Dataset) -> None:
    one = one.dropna("temperature", how="all", subset=["drift_mean"]).isel(temperature=0)
    one = one.dropna("waiting_time", subset=["drift_mean"])
    value, low, high = (one[f"drift_{end}"].values for end in ENDS)
    style.points(ax, one["waiting_time"].values, value, low, high, "C0")
    ax.set(xscale="log", yscale="log", xlabel="$t_w$ (updates)", ylabel=r"$T_0 = T(1/X - 1)$")
    style.log_ticks(ax)
