"""Pieces that several of KWJ's figures share: panels of runs, Brownian reference lines, relaxation times against T."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.stacking import stack_panels
from quench.observables.relaxation import LEVELS
from quench.theory import brownian

FACTS = ("chi", "step_size", "P_D", "width", "weight_decay", "n_networks", "n_apart")


def stacked(
    inputs: FigureInputs, numbers: Callable[[str, xr.Dataset], xr.Dataset], names: Sequence[str] | None = None
) -> xr.Dataset:
    """``numbers(name, run)`` of every run of the figure along a new dimension ``panel`` (the run's name).

    NaN where a run has no such temperature or lag. The facts of each run are variables (panel).
    """
    parts = []
    for name in names or inputs.of("runs"):
        run = inputs.run(name)
        known = {fact: run.attrs[fact] for fact in FACTS}
        parts.append(numbers(name, run).assign(known).expand_dims(panel=[name]))
    joined = stack_panels(parts)
    return joined.sortby("temperature", ascending=False) if "temperature" in joined.dims else joined


def title(run: str) -> str:
    """Title of a panel: the declared name of its run as words, without the name of the measurement.

    ``cifar_regularised`` becomes "regularised, CIFAR-10", and ``regularised_ageing`` "regularised".
    """
    words = run.removesuffix("_ageing").removesuffix("_replicas").replace("_", " ")
    phase = words.removeprefix("cifar ")
    return words if phase == words else f"{phase}, CIFAR-10"


def panels(numbers: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Name and numbers of every panel, without the temperatures and lags that its run does not have."""
    for name in numbers["panel"].values:
        one = numbers.sel(panel=name, drop=True)
        for dimension in ("temperature", "lag"):
            has_it = [str(variable) for variable in one if dimension in one[variable].dims]
            if has_it:
                one = one.dropna(dimension, how="all", subset=has_it)
        if "temperature" in numbers.dims:
            one = one.assign_attrs(temperatures=numbers["temperature"].values)
        yield str(name), one


def columns(numbers: xr.Dataset, *rows: Callable[[Axes, xr.Dataset], None], **size: float) -> tuple[Figure, np.ndarray]:
    """A column per panel of ``numbers`` with a bar of temperatures; each row is drawn by a function of axes and panel."""
    figure, axes = style.new(numbers.sizes["panel"], rows=len(rows), **size)
    for column, (name, one) in zip(axes.T, panels(numbers), strict=True):
        for ax, draw in zip(column, rows, strict=True):
            draw(ax, one)
        column[0].set_title(title(name))
    style.outer_labels(axes)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    return figure, axes


def palette(one: xr.Dataset) -> list[Any]:
    """A colour per temperature of a panel, the same as in the other panels of its figure."""
    return style.colors(one["temperature"].values, one.attrs.get("temperatures"))


def curves(ax: Axes, one: xr.Dataset, quantity: str, *, positive: bool = False) -> None:
    """The curves of all temperatures of a panel against the lag, with their bands; dotted: networks in another state."""
    for row, color in enumerate(palette(one)):
        style.curve(ax, one["lag"].values, one.isel(temperature=row), quantity, color, positive=positive)
        if f"{quantity}_apart" in one:
            ax.plot(one["lag"], one[f"{quantity}_apart"].values[row], color=color, linestyle=":", linewidth=0.9)


def brownian_overlaps(run: xr.Dataset) -> xr.DataArray:
    """Overlap of free Brownian weights with each network's own length, (temperature, network, lag) (KWJ Eq. 6)."""
    lengths, lags = run["epsilon_single"].transpose("temperature", "network").values, run["lag"].values
    rows = [
        [brownian.overlap(lags, epsilon, diffusion) for epsilon in row] for row, diffusion in _diffusing(run, lengths)
    ]
    return xr.DataArray(
        rows,
        dims=("temperature", "network", "lag"),
        coords={"temperature": run["temperature"], "network": run["network"], "lag": run["lag"]},
    )


def brownian_tau(run: xr.Dataset, level: float = LEVELS["tau90"]) -> xr.DataArray:
    """Time at which the mean overlap of free Brownian weights falls to ``level``, (temperature); no free parameter.

    The mean is over networks with their own lengths, as that of the measured overlaps. NaN at T = 0.
    """
    lengths = run["epsilon_single"].transpose("temperature", "network").values
    values = [_mean_crossing(row[np.isfinite(row)], diffusion, level) for row, diffusion in _diffusing(run, lengths)]
    return xr.DataArray(values, dims="temperature", coords={"temperature": run["temperature"]})


def _mean_crossing(lengths: np.ndarray, diffusion: float, level: float) -> float:
    if not lengths.size or not diffusion:
        return np.nan
    first, last = (brownian.tau(level, epsilon, diffusion) for epsilon in (lengths.min(), lengths.max()))
    if first == last:
        return first

    def above(log_time: float) -> float:
        return float(np.mean([brownian.overlap(np.exp(log_time), one, diffusion) for one in lengths])) - level

    # Loaded where it is used: scipy imports its parts at their first use, and this one takes half a second.
    return float(np.exp(scipy.optimize.brentq(above, np.log(first), np.log(last), rtol=1e-14)))


def _diffusing(run: xr.Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """Each of ``rows`` (temperature, ...) with the diffusion constant of its temperature."""
    for temperature, row in zip(run["temperature"].values, rows, strict=True):
        yield row, brownian.diffusion_constant(run.attrs["step_size"], float(temperature), run.attrs["P_D"])


def times(inputs: FigureInputs, name: str, run: xr.Dataset, quantity: str = "tau90", **choice: Any) -> xr.Dataset:
    """A relaxation time of the ``run`` beside free Brownian weights: of the mean overlap and of the single networks.

    ``<quantity>_mean`` with its interval and ``<quantity>_brownian`` (temperature), ``<quantity>_single`` and
    ``<quantity>_brownian_single`` (temperature, network), each network with its own length; ``longest_lag``.
    """
    lengths = run["epsilon_single"].transpose("temperature", "network").values
    level = LEVELS[quantity]
    lines = [
        [brownian.tau(level, one, diffusion) if diffusion else np.nan for one in row]
        for row, diffusion in _diffusing(run, lengths)
    ]
    return run[[f"{quantity}_{end}" for end in ("mean", "low", "high")]].assign(
        {
            f"{quantity}_brownian": brownian_tau(run, level),
            f"{quantity}_single": inputs.single(name, quantity, **choice)[f"{quantity}_single"],
            f"{quantity}_brownian_single": (("temperature", "network"), lines),
            "longest_lag": float(run["lag"].max()),
        }
    )


def frozen_level(run: xr.Dataset) -> float:
    """tau90 at T = 0, else at the coldest temperature; NaN where it is not reached."""
    return float(run["tau90_mean"].values[int(run["temperature"].values.argmin())])


def kinked(inputs: FigureInputs, name: str, **choice: Any) -> xr.Dataset:
    """tau90 against T with its interval and Brownian line, its value at T = 0, and the kink T* where these two meet.

    ``choice``: ``chi`` or ``waiting_time`` of ``FigureInputs.run``.
    """
    run = inputs.run(name, **choice)
    found, frozen = times(inputs, name, run, **choice), frozen_level(run)
    line = found["tau90_brownian"]
    return found.assign(
        frozen=frozen,
        kink=float((line * line["temperature"]).max()) / frozen,
        n_networks=run.attrs["n_networks"],
    )


def draw_kinked(ax: Axes, numbers: xr.Dataset, along: str, label: Callable[[float], str]) -> None:
    """Points and levels at T = 0 of ``kinked`` numbers, one colour per value of the dimension ``along``."""
    values = numbers[along].values
    for row, color in enumerate(style.ages(values)):
        one = numbers.isel({along: row})
        # The lags resolve no time below one update.
        shown = one.isel(temperature=(one["temperature"].values > 0) & (one["tau90_mean"].values >= 1))
        value, low, high = (shown[f"tau90_{end}"].values for end in ("mean", "low", "high"))
        style.points(ax, shown["temperature"].values, value, low, high, color, label=label(float(values[row])))
        if np.isfinite(one["frozen"]):
            ax.axhline(float(one["frozen"]), color=color, linewidth=0.7)
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$\tau_{90}$ (updates)")


def relaxation_times(ax: Axes, one: xr.Dataset, name: str, label: str) -> None:
    """A relaxation time against T with intervals, its Brownian line, and its level at T = 0 (KWJ Fig. 3d-f, A4)."""
    hot = one.isel(temperature=one["temperature"].values > 0)
    temperatures = hot["temperature"].values
    for row, color in enumerate(palette(hot)):
        value, low, high = (float(hot[f"{name}_{end}"][row]) for end in ("mean", "low", "high"))
        # The lags resolve no time below one update.
        if np.isfinite(value) and value >= 1:
            style.points(ax, temperatures[row], value, low, high, color)
        elif np.isnan(value) and np.isfinite(hot[f"{name}_brownian"][row]):
            ax.plot(temperatures[row], float(one["longest_lag"]), "^", mfc="none", mec=color, ms=5)
    if f"{name}_apart" in hot and hot[f"{name}_apart"].notnull().any():
        ax.plot(temperatures, hot[f"{name}_apart"], "s", mfc="none", mec="0.4", ms=4, label="networks in another state")
    ax.plot(temperatures, hot[f"{name}_brownian"], **style.THEORY, label="free Brownian weights (slope $-1$)")
    measured = hot[f"{name}_mean"].values
    if 0 in one["temperature"].values:
        frozen = float(one[f"{name}_mean"].sel(temperature=0))
        if np.isfinite(frozen):
            ax.axhline(frozen, **style.LEVEL, label="$T=0$")
            kink = float((hot[f"{name}_brownian"] * hot["temperature"]).max()) / frozen
            ax.axvline(kink, **style.GUIDE)
            place: dict[str, Any] = {
                "xycoords": ("data", "axes fraction"),
                "xytext": (3, -3),
                "textcoords": "offset points",
            }
            ax.annotate("$T^*$", (kink, 1), **place, va="top", fontsize=8)
            measured = np.append(measured, frozen)
    ax.set_xscale("log")
    ax.set_yscale("log")
    seen = measured[np.isfinite(measured) & (measured >= 1)]
    if np.isnan(hot[f"{name}_mean"]).any():
        seen = np.append(seen, float(one["longest_lag"]))
    if seen.size:
        ax.set_ylim(seen.min() / 4, seen.max() * 6)
    ax.set(xlabel="$T$", ylabel=rf"{label} (updates)")
    style.log_ticks(ax)
    ax.legend(loc="lower left")
