"""Solved quenches of the p-spin glass among the inputs of a figure, and their limits at infinite age."""

from __future__ import annotations

import math
import re
from typing import Any

import xarray as xr

from quench.errors import QuenchError
from quench.figures.figure_inputs import FigureInputs
from quench.store.variables import config_of
from quench.theory import threshold
from quench.theory.pspin.model import Model


def quenches(inputs: FigureInputs) -> list[tuple[Model, xr.Dataset]]:
    """Every solution at infinite N with its model, coldest first; attributes say which model it is."""
    solutions = []
    for datasets in inputs.of("glass").values():
        for dataset in datasets:
            config = config_of(dataset)
            if "temperature" in config and "n_spins" not in config:
                model = Model.read(config)
                solutions.append((model, dataset.drop_attrs(deep=False).assign_attrs(_attributes(model))))
    return sorted(solutions, key=lambda solution: solution[0].temperature)


def _attributes(model: Model) -> dict[str, Any]:
    f = model.covariance
    return {**({"p": f.p} if f.p else {"covariance": str(f)}), "temperature": model.temperature}


def ageing(inputs: FigureInputs, figure: str) -> tuple[Model, xr.Dataset]:
    """The one solution that ages, T < T_MCT from infinite temperature.

    With ``plateau`` q_EA, ``violation`` X and ``threshold_energy`` E_th.
    """
    found = [
        (model, solution)
        for model, solution in quenches(inputs)
        if math.isinf(model.initial_temperature)
        and model.temperature < threshold.dynamical_temperature(model.covariance)
    ]
    if len(found) != 1:
        raise QuenchError(
            f"{figure}: give one solved quench from infinite temperature to below T_d under glass, not {len(found)}"
        )
    model, solution = found[0]
    state = model.covariance, model.temperature
    return model, solution.assign(
        plateau=threshold.edwards_anderson(*state),
        violation=threshold.fdt_violation(*state),
        threshold_energy=threshold.threshold_energy(*state),
    )


def title(numbers: xr.Dataset) -> str:
    """Title of the first panel: the model and the temperature."""
    model = f"$p$ = {numbers.attrs['p']}" if "p" in numbers.attrs else formula(numbers.attrs["covariance"])
    return f"{model}, $T$ = {numbers.attrs['temperature']:g}"


def formula(covariance: str) -> str:
    """The text of a covariance as a formula of a label."""
    return "$" + re.sub(r"\^(\d+)", r"^{\1}", covariance) + "$"
