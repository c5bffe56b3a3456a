"""The 3-spin glass at finite N: simulated energies after a quench, and their 1/N drift to the solution at infinite N.

Needs ``glass``: simulations at two or more N with the same times, and optionally one Cugliandolo-Kurchan (CK) solution.
Energies, correlations and responses are compared at the simulated times that the solution has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.errors import QuenchError
from quench.estimators import fluctuation_dissipation
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import solved
from quench.store.variables import config_of
from quench.theory import threshold
from quench.theory.covariance import Covariance
from quench.theory.pspin.model import Model

MEASURED = ("energy", "energy_error", "correlation", "correlation_error")
NEEDS = {"glass": 2}
LABEL = "Finite size"
SECTION = "The p-spin glass"
TITLE = "Finite-size drift of the glass energy"
CAPTION = (
    "Spherical 3-spin model quenched from infinite temperature. (a) Energy per spin of Langevin simulations at several N, "
    "with standard errors over realisations of the couplings, and the Cugliandolo-Kurchan solution at infinite N where "
    "given; dotted: threshold energy. (b) Energies against 1/N at several times, with straight-line fits; diamonds: "
    "infinite N. (c) Simulated correlation minus that at infinite N, with standard errors; points of different N are "
    "shifted horizontally. (d) Fluctuation-dissipation ratio X = 2 T chi/Delta, from the correlation of the simulated spins "
    "with their noise, with 95 % intervals over realisations; no field is applied. Black: infinite N; X = 1 is equilibrium."
)
THREE_SPIN = Covariance.pure(3)
MEANS = {
    "n_spins": "number of spins N",
    "intercept": "value of the fitted line at 1/N = 0",
    "solution_at_times": "energy E of the solution at infinite N",
    "solution_correlation": "correlation C of the solution at infinite N",
    "waiting_time": ("waiting time t_w since the quench", "1/friction"),
    "lag": ("time t since the waiting time", "1/friction"),
    "time": ("time since the quench", "1/friction"),
    "ratio": "fluctuation-dissipation ratio X = 2 T chi/Delta",
    "solution_ratio": "fluctuation-dissipation ratio X of the solution at infinite N",
    "slope": "slope of the fitted line of E against 1/N",
    "slope_error": "standard error of the slope",
}


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Energies and errors (n_spins, time); weighted fits ``E = intercept + slope / N`` (time).

    Correlations and errors, and X with its interval, (n_spins, waiting_time, lag) where all simulations have them; the CK
    solution where given.
    """
    files = [dataset for group in inputs.of("glass").values() for dataset in group]
    simulations = sorted((d for d in files if "energy_error" in d and "n_spins" in config_of(d)), key=_n_spins)
    solutions = [dataset for dataset in files if "n_spins" not in config_of(dataset)]
    known = (config_of(dataset).get("temperature") for dataset in files)
    temperatures = {temperature for temperature in known if temperature is not None}
    if len({_n_spins(d) for d in simulations}) < 2 or len(solutions) > 1 or len(temperatures) != 1:
        raise QuenchError(
            "finite-size figure: give simulations at two or more N and at most one solution, all at one temperature"
        )
    if any(model != Model(THREE_SPIN, model.temperature) for model, _ in solved.quenches(inputs)):
        raise QuenchError("finite-size figure: the solution must be that of the 3-spin model from infinite temperature")
    names = [name for name in MEASURED if all(name in d for d in simulations)]
    (temperature,) = temperatures
    responded = temperature > 0 and all("susceptibility_of_realisation" in d for d in simulations)
    kept = [
        d[names].assign(_ratios(d, temperature) if responded else {}).assign_coords(n_spins=_n_spins(d))
        for d in simulations
    ]
    joined = xr.concat(kept, "n_spins", join="inner", combine_attrs="override")
    fits = [_fit(joined.isel(time=i)) for i in range(joined.sizes["time"])]
    fitted = ("intercept", "intercept_error", "slope", "slope_error")
    result = joined.assign({name: ("time", [fit[i] for fit in fits]) for i, name in enumerate(fitted)})
    if temperature <= threshold.dynamical_temperature(THREE_SPIN):
        result["threshold_energy"] = threshold.threshold_energy(THREE_SPIN, temperature)
    if solutions:
        exact = solutions[0]["energy"].rename(time="solution_time")
        result["solution"] = exact.drop_vars(set(exact.coords) - {"solution_time"})
        result["solution_at_times"] = ("time", _at(exact, joined["time"].values))
        if "correlation" in joined and "correlation" in solutions[0]:
            result["solution_correlation"] = _at_pairs(solutions[0]["correlation"], joined)
        if responded and "susceptibility" in solutions[0]:
            exact = 2 * temperature * solutions[0]["susceptibility"] / solutions[0]["displacement"]
            result["solution_ratio"] = _at_pairs(exact, joined)
    return result.assign_attrs(temperature=temperature)


def _ratios(simulation: xr.Dataset, temperature: float) -> dict[str, xr.DataArray]:
    """X of a simulation with its jackknife interval over realisations, (waiting_time, lag)."""
    moved = simulation[["susceptibility_of_realisation", "correlation_of_realisation"]].drop_vars("seed")
    moved = moved.where(moved["lag"] > 0).rename(realisation="network")
    response, correlation = moved.values()
    found = fluctuation_dissipation.ratio(2 * temperature * response, 2 * (1 - correlation))
    return {"ratio": found["mean"], "ratio_low": found["low"], "ratio_high": found["high"]}


def _n_spins(dataset: xr.Dataset) -> int:
    return int(config_of(dataset)["n_spins"])


def _fit(one: xr.Dataset) -> tuple[float, float, float, float]:
    """Weighted least squares of E on 1/N: intercept, slope and their standard errors."""
    errors = one["energy_error"].values
    design = np.stack([np.ones(len(errors)), 1 / one["n_spins"].values], axis=1) / errors[:, None]
    covariance = np.linalg.inv(design.T @ design)
    intercept, slope = covariance @ design.T @ (one["energy"].values / errors)
    return intercept, np.sqrt(covariance[0, 0]), slope, np.sqrt(covariance[1, 1])


def _at(exact: xr.DataArray, times: np.ndarray) -> np.ndarray:
    """The solution at the simulated times; NaN at a time that it lacks, since interpolation would be too coarse."""
    known = exact["solution_time"].values
    places = np.abs(known[:, None] - times).argmin(axis=0)
    return np.where(np.isclose(known[places], times, rtol=1e-9, atol=1e-12), exact.values[places], np.nan)


def _at_pairs(exact: xr.DataArray, joined: xr.Dataset) -> xr.DataArray:
    """The solution at the simulated waiting times and lags; NaN where it lacks one of them."""
    axes = {name: joined[name].values for name in ("waiting_time", "lag")}
    return exact.reindex(axes, method="nearest", tolerance=1e-9).drop_attrs()


def draw(numbers: xr.Dataset) -> Figure:
    compared = "solution_correlation" in numbers and bool(numbers["solution_correlation"].notnull().any())
    panels = [_energies, _drift, *([_correlations] if compared else []), *([_responses] if "ratio" in numbers else [])]
    columns = 2 if len(panels) == 4 else len(panels)
    figure, axes = style.new(columns, rows=len(panels) // columns)
    for ax, panel in zip(axes.flat, panels, strict=True):
        panel(ax, numbers)
    return style.finish(figure, axes.flat, numbers)


def _energies(ax: Axes, numbers: xr.Dataset) -> None:
    sizes = numbers["n_spins"].values
    shown = numbers["time"].values > 0
    for row, (n_spins, color) in enumerate(zip(sizes, _colors(sizes), strict=True)):
        one = numbers.isel(n_spins=row)
        times, energy, error = (one[name].values[shown] for name in ("time", "energy", "energy_error"))
        ax.errorbar(times, energy, error, fmt="o", ms=3, capsize=2, color=color, label=f"$N$ = {n_spins}")
    if "solution" in numbers:
        ax.plot(numbers["solution_time"], numbers["solution"], color="black", label=r"CK, $N = \infty$", zorder=1)
        ax.set_xlim(numbers["time"].values[shown].min() / 2, numbers["time"].values.max() * 3)
    if "threshold_energy" in numbers:
        ax.axhline(float(numbers["threshold_energy"]), **style.GUIDE)
    ax.set_xscale("log")
    ax.set(xlabel="$t$", ylabel="$E(t)$", title=f"$p$ = 3, $T$ = {numbers.attrs['temperature']:g}")
    ax.legend(loc="upper right")


def _drift(ax: Axes, numbers: xr.Dataset) -> None:
    times = [t for t in numbers["time"].values if t > 0]
    inverse = 1 / numbers["n_spins"].values
    line = np.array([0, inverse.max() * 1.05])
    for row, time in enumerate(times):
        one = numbers.sel(time=time)
        color = style.HEAT(0.05 + 0.9 * row / max(len(times) - 1, 1))
        ax.errorbar(inverse, one["energy"], one["energy_error"], fmt="o", ms=3, capsize=2, color=color)
        ax.plot(
            line, float(one["intercept"]) + float(one["slope"]) * line, color=color, lw=0.9, label=f"$t$ = {time:g}"
        )
        if "solution_at_times" in one and np.isfinite(one["solution_at_times"]):
            ax.plot(0, one["solution_at_times"], marker="D", ms=5, color=color, mec="black", clip_on=False, zorder=4)
    ax.set(xlabel="$1/N$", ylabel="$E$", xlim=(-0.03 * line[1], line[1]))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _correlations(ax: Axes, numbers: xr.Dataset) -> None:
    for one, lags, color in _by_size(numbers):
        deviation = one["correlation"] - one["solution_correlation"]
        ax.errorbar(lags, deviation, one["correlation_error"], fmt="o", ms=3, capsize=2, color=color)
    ax.axhline(0.0, color="black", zorder=1)
    ax.set_xscale("log")
    ax.set(xlabel="$t$", ylabel=r"$C_N(t_w + t, t_w) - C_\infty$", title=f"$t_w$ = {float(one['waiting_time']):g}")


def _responses(ax: Axes, numbers: xr.Dataset) -> None:
    for one, lags, color in _by_size(numbers):
        style.points(ax, lags, one["ratio"].values, one["ratio_low"].values, one["ratio_high"].values, color)
    if "solution_ratio" in numbers:
        known = one["solution_ratio"].dropna("lag")
        ax.plot(known["lag"], known, color="black", zorder=1)
    ax.axhline(1, **style.GUIDE)
    ax.set_xscale("log")
    ax.set(xlabel="$t$", ylabel=r"$X = 2T\chi/\Delta$", title=f"$t_w$ = {float(one['waiting_time']):g}")


def _by_size(numbers: xr.Dataset) -> Iterator[tuple[xr.Dataset, np.ndarray, Any]]:
    """The numbers at the first t_w of every N, their lags and a colour; lags are shifted, so that bars stay visible."""
    first = numbers.isel(waiting_time=0, lag=numbers["lag"].values > 0)
    sizes = numbers["n_spins"].values
    for row, color in enumerate(_colors(sizes)):
        # By a few percent.
        yield first.isel(n_spins=row), first["lag"].values * 1.06 ** (row - (len(sizes) - 1) / 2), color


def _colors(sizes: np.ndarray) -> list[Any]:
    return [style.HEAT(0.95 - 0.9 * row / max(len(sizes) - 1, 1)) for row in range(len(sizes))]
