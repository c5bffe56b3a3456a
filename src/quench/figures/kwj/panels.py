"""Pieces that several of KWJ's figures share: panels of runs, Brownian reference lines, relaxation times against T."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.resampling import joint_crossings
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.stacking import stack_panels
from quench.observables.relaxation import LEVELS
from quench.theory import brownian

FACTS = ("chi", "step_size", "P_D", "width", "weight_decay", "n_networks")


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
    words = run.removesuffix("_ageing").replace("_", " ")
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
    """The curves of all temperatures of a panel against the lag, with their bands."""
    for row, color in enumerate(palette(one)):
        style.curve(ax, one["lag"].values, one.isel(temperature=row), quantity, color, positive=positive)


def brownian_overlap(run: xr.Dataset) -> xr.DataArray:
    """Overlap of free Brownian weights (temperature, lag) with the run's own lengths, mean over networks (KWJ Eq. 6)."""
    lengths = run["epsilons"].values  # (temperature, network)
    rows = []
    for temperature, epsilons in zip(run["temperature"].values, lengths, strict=True):
        diffusion = brownian.diffusion_constant(run.attrs["step_size"], float(temperature), run.attrs["P_D"])
        overlaps = [brownian.overlap(run["lag"].values, e, diffusion) for e in epsilons if np.isfinite(e)]
        rows.append(np.mean(overlaps, axis=0))
    return xr.DataArray(
        rows, dims=("temperature", "lag"), coords={"temperature": run["temperature"], "lag": run["lag"]}
    )


def brownian_tau(run: xr.Dataset, level: float = 0.9) -> xr.DataArray:
    """tau = epsilon^2 P_D / (4 mu T erfinv(level)^2) with the run's mean epsilon^2, no free parameter; NaN at T = 0."""
    length = np.sqrt(float((run["epsilons"] ** 2).mean()))
    values = [
        brownian.tau(level, length, brownian.diffusion_constant(run.attrs["step_size"], t, run.attrs["P_D"]))
        if t > 0
        else np.nan
        for t in run["temperature"].values.astype(float)
    ]
    return xr.DataArray(values, dims="temperature", coords={"temperature": run["temperature"]})


def paired_times(inputs: FigureInputs, name: str, quantity: str = "tau90", **choice: Any) -> xr.DataArray:
    """Relaxation times of jointly resampled networks (resample, temperature); row 0 is that of all networks."""
    files = inputs.networks(name, **choice)
    lags = files[0]["lag"].values.astype(float)
    alive = np.logical_and.reduce([np.isfinite(dataset["overlap"].isel(lag=0).values) for dataset in files])
    tables = [dataset["overlap"].transpose("network", "lag").values[alive] for dataset in files]
    if not alive.any():
        return xr.DataArray(np.full((1, len(files)), np.nan), dims=("resample", "temperature"))
    return xr.DataArray(joint_crossings(lags, tables, LEVELS[quantity]), dims=("resample", "temperature"))


def frozen_level(run: xr.Dataset) -> float:
    """tau90 at T = 0, else at the coldest temperature; NaN where it is not reached."""
    return float(run["tau90_mean"].values[int(run["temperature"].values.argmin())])


def kinked(inputs: FigureInputs, name: str, **choice: Any) -> xr.Dataset:
    """tau90 against T with its interval and Brownian line, its value at T = 0, and the kink T* where these two meet.

    ``choice``: ``chi`` or ``waiting_time`` of ``FigureInputs.run``.
    """
    run = inputs.run(name, **choice)
    line, frozen = brownian_tau(run), frozen_level(run)
    return run[["tau90_mean", "tau90_low", "tau90_high"]].assign(
        tau90_brownian=line,
        tau90_samples=paired_times(inputs, name, **choice),
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
    ax.plot(temperatures, hot[f"{name}_brownian"], **style.THEORY, label="free Brownian weights (slope $-1$)")
    measured = hot[f"{name}_mean"].values
    if 0 in one["temperature"].values:
        frozen = float(one[f"{name}_mean"].sel(temperature=0))
        if np.isfinite(frozen):
            ax.axhline(frozen, **style.LEVEL, label="$T=0$")
            measured = np.append(measured, frozen)
    ax.set_xscale("log")
    ax.set_yscale("log")
    seen = measured[np.isfinite(measured) & (measured >= 1)]
    if seen.size:
        ax.set_ylim(seen.min() / 4, seen.max() * 6)
    ax.set(xlabel="$T$", ylabel=rf"{label} (updates)")
    style.log_ticks(ax)
    ax.legend(loc="lower left")
