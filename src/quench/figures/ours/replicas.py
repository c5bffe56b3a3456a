"""Replicas of each network: what the start decides, how many weights move together, how fast replicas part.

Needs ``replicas``: Langevin runs with at least two replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.isoconfigurational import correlated_weights, propensity
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.ours import responses
from quench.figures.stacking import stack_panels
from quench.networks.state import of_main_state
from quench.numerics import intervals
from quench.store.variables import concat_chunks, config_of
from quench.theory import brownian

NEEDS = {"replicas": 1}
LABEL = "Replicas"
TITLE = "The share of chance in who moves"
CAPTION = (
    "Copies of each network from time 0 on under independent noise, at the even lag where the overlap Q of the network has "
    "fallen to 0.7; means over networks with 95 % intervals. (a) Share of the mobility of single weights that the start "
    "fixes, P = (<p^2> - Q^2)/(Q - Q^2), p being the chance of a weight to stay: 0 is chance, 1 is fate. (b) Weights that "
    "move together: n_c = chi4/(Q - <p^2>) (filled), 1 for independent weights, and chi4 = N Var(q) over replicas (open). "
    "(c) Mean square distance of two replicas over that of free diffusion, 4 D t. (d) The same over twice the mean square "
    "displacement from the start: 1 where replicas have nothing in common."
)
LEVEL = 0.7
_SHOWN = {
    "propensity": "share P of the mobility that is fixed by the start",
    "correlated": "number n_c of weights that move together",
    "chi4": "number of weights times the variance of the overlap over replicas",
    "diffused": "mean square distance of replicas over that of free diffusion",
    "parted": "mean square distance of replicas over twice the displacement from the start",
}
MEANS = {f"{name}{end}": text for name, text in _SHOWN.items() for end in ("", "_single")} | {
    "level_lag_single": ("lag at which the overlap of the network reaches the level", "updates")
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """All quantities where Q = ``LEVEL`` (panel, temperature): means, intervals, and ``_single`` (..., network)."""
    return stacked(inputs, _numbers)


def stacked(inputs: FigureInputs, numbers: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    """The ``numbers`` of all runs at all temperatures, (panel, temperature, ...)."""
    panels = []
    for name in inputs.of("replicas"):
        parts = [numbers(one).expand_dims(temperature=[T]) for T, one in _of_run(inputs, name).items()]
        panels.append(stack_panels(parts, "temperature").expand_dims(panel=[name]))
    return stack_panels(panels).sortby("temperature", ascending=False)


def _of_run(inputs: FigureInputs, name: str) -> dict[float, xr.Dataset]:
    """Networks of a run in the state of most of them, by temperature, from the hottest to the coldest."""
    chunks: dict[float, list[xr.Dataset]] = {}
    for one in inputs.of("replicas")[name]:
        chunks.setdefault(float(config_of(one)["trajectory"]["temperature"]), []).append(one)
    return {temperature: _joined(chunks[temperature]) for temperature in sorted(chunks, reverse=True)}


def _joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    whole = concat_chunks(parts, "network")
    kept = whole.isel(network=of_main_state(whole)) if "state" in whole.coords else whole
    return kept.assign_coords(network=np.arange(kept.sizes["network"])).drop_vars(["seed", "state"], errors="ignore")


def diffusion(measured: xr.Dataset) -> float:
    """D of the run behind a file of replicas."""
    run = config_of(measured)["trajectory"]
    return brownian.diffusion_constant(run["step_size"], run["temperature"], run["P_D"])


def at_level(measured: xr.Dataset, level: float) -> xr.Dataset:
    """``measured`` (network, lag) where each network's own overlap first reaches ``level``, linearly between two lags.

    The lag is ``level_lag``; NaN for a network that stays above.
    """
    overlap = measured["overlap"].transpose("network", "lag").values
    later = np.maximum((overlap < level).argmax(axis=1), 1)
    rows = np.arange(len(overlap))
    before, after = overlap[rows, later - 1], overlap[rows, later]
    crossed = (before >= level) & (after < level)
    share = np.divide(before - level, before - after, out=np.full(len(rows), np.nan), where=crossed)
    first, second = (measured.isel(lag=xr.DataArray(place, dims="network")) for place in (later - 1, later))
    first, second = (one.reset_coords("lag").rename(lag="level_lag") for one in (first, second))
    return first + xr.DataArray(share, dims="network") * (second - first)


def _numbers(measured: xr.Dataset) -> xr.Dataset:
    """One temperature of one run."""
    one = responses.even(measured)
    one = one.isel(lag=one["lag"].values > 0)
    time = config_of(measured)["trajectory"]["waiting_time"] + one["lag"]
    curves = {
        "overlap": one["overlap"],
        "propensity": propensity(one["overlap"], one["pair_overlap"]),
        "correlated": correlated_weights(one["overlap"], one["pair_overlap"], one["chi4"]),
        "chi4": one["chi4"],
        "diffused": one["distance"] / (4 * diffusion(measured) * time),
        "parted": one["distance"] / (2 * one["from_start"]),
    }
    # Interpolated are these numbers and not their parts: <p^2> - Q^2 of two interpolated curves is too large.
    found = at_level(xr.Dataset(curves), LEVEL)
    single = {f"{name}_single": found[name] for name in (*_SHOWN, "level_lag")}
    means = {f"{name}_{end}": value for name in _SHOWN for end, value in averaged(found[name]).items()}
    return xr.Dataset(single | means | {"n_networks": int(np.isfinite(found["overlap"]).sum())})


def averaged(values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Mean over networks of ``values`` (network, ...) and the ends of its interval."""
    rest = [str(name) for name in values.dims if name != "network"]
    columns = values.transpose("network", *rest).values.reshape(values.sizes["network"], -1)
    found = [intervals.mean(column)[:3] for column in columns.T]
    like = values.isel(network=0, drop=True)
    return {
        end: like.copy(data=np.reshape([one[place] for one in found], like.shape))
        for place, end in enumerate(("mean", "low", "high"))
    }


def draw(numbers: xr.Dataset) -> Figure:
    return style.row(numbers, _propensity, _correlated, _diffused, _parted)


def _propensity(ax: Axes, numbers: xr.Dataset) -> None:
    _against_temperature(ax, numbers, "propensity")
    ax.set(ylabel="share $P$ fixed by the start", ylim=(-0.05, 1.05))
    if ax.containers:
        ax.legend()


def _correlated(ax: Axes, numbers: xr.Dataset) -> None:
    _against_temperature(ax, numbers, "correlated")
    _against_temperature(ax, numbers, "chi4", mfc="white", lw=0)
    ax.axhline(1, **style.GUIDE)
    ax.set(ylabel=r"$n_c$ (filled), $\chi_4$ (open)")


def _diffused(ax: Axes, numbers: xr.Dataset) -> None:
    _against_temperature(ax, numbers, "diffused")
    ax.axhline(1, **style.GUIDE)
    ax.set(ylabel="distance of replicas / $4Dt$")


def _parted(ax: Axes, numbers: xr.Dataset) -> None:
    _against_temperature(ax, numbers, "parted")
    ax.axhline(1, **style.GUIDE)
    ax.set(ylabel=r"distance / $2|w(t)-w(0)|^2$", ylim=(-0.05, 1.3))


def _against_temperature(ax: Axes, numbers: xr.Dataset, quantity: str, **more: object) -> None:
    for place, name in enumerate(numbers["panel"].values):
        one = numbers.sel(panel=name).dropna("temperature", subset=[f"{quantity}_mean"])
        if one.sizes["temperature"]:
            value, low, high = (one[f"{quantity}_{end}"].values for end in ("mean", "low", "high"))
            how = {"label": title(str(name)), "linestyle": "-", "lw": 0.8} | more
            style.points(ax, one["temperature"].values, value, low, high, f"C{place}", **how)
    ax.set(xscale="log", xlabel="$T$")
