"""Solved quenches of the p-spin glass among the inputs of a figure, and their limits at infinite age."""

from __future__ import annotations

import xarray as xr

from quench.errors import QuenchError
from quench.figures.figure_inputs import FigureInputs
from quench.store.variables import config_of
from quench.theory import threshold


def quenches(inputs: FigureInputs) -> list[xr.Dataset]:
    """Every solution at infinite N, coldest first; attributes hold ``p`` and ``temperature`` alone."""
    solutions = []
    for datasets in inputs.of("glass").values():
        for dataset in datasets:
            config = config_of(dataset)
            if "temperature" in config and "n_spins" not in config:
                kept = {"p": config["p"], "temperature": config["temperature"]}
                solutions.append(dataset.drop_attrs(deep=False).assign_attrs(kept))
    return sorted(solutions, key=lambda solution: solution.attrs["temperature"])


def ageing(inputs: FigureInputs, figure: str) -> xr.Dataset:
    """The one solution that ages, T < T_d, with ``plateau`` q_EA, ``violation`` X and ``threshold_energy`` E_th."""
    found = [s for s in quenches(inputs) if s.attrs["temperature"] < threshold.dynamical_temperature(s.attrs["p"])]
    if len(found) != 1:
        raise QuenchError(f"{figure}: give one solved quench to below T_d under glass, not {len(found)}")
    state = found[0].attrs["p"], found[0].attrs["temperature"]
    return found[0].assign(
        plateau=threshold.edwards_anderson(*state),
        violation=threshold.fdt_violation(*state),
        threshold_energy=threshold.threshold_energy(*state),
    )


def title(numbers: xr.Dataset) -> str:
    """Title of the first panel: the model and the temperature."""
    return f"$p$ = {numbers.attrs['p']}, $T$ = {numbers.attrs['temperature']:g}"
