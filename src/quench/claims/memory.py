"""Quantities of the memory of a mixed p-spin glass: energies and overlaps of gradient descent from equilibrium at T0."""

from __future__ import annotations

import math

import xarray as xr

from quench.claims.glass import SOLVED
from quench.claims.measured import Measured, Missing, quantity


@quantity
def excess_energy(numbers: xr.Dataset, initial_temperature: float, time: float) -> Measured:
    """E - E_th at ``time`` from equilibrium at T0; the interval is the estimated error."""
    one = _from(_at(numbers, time), initial_temperature)
    return _measured(float(one["excess"]), float(one["energy_error"]))


@quantity
def energy_difference(numbers: xr.Dataset, first: float, second: float, time: float) -> Measured:
    """|E from T0 = ``first`` - E from T0 = ``second``| at ``time``; the interval is the sum of the estimated errors."""
    one, other = (_from(_at(numbers, time), start) for start in (first, second))
    difference = abs(float(one["energy"] - other["energy"]))
    return _measured(difference, float(one["energy_error"] + other["energy_error"]))


@quantity
def final_overlap(numbers: xr.Dataset, initial_temperature: float) -> Measured:
    """C(t, 0) at the latest time to which the quench from T0 is solved; the interval is the estimated error."""
    one = _from(numbers, initial_temperature)[["overlap", "overlap_error"]].dropna("time").isel(time=-1)
    return _measured(float(one["overlap"]), float(one["overlap_error"]))


@quantity
def control_overlap(numbers: xr.Dataset, time: float) -> Measured:
    """C(t, 0) of the pure model at ``time``."""
    return Measured(float(_at(numbers, time)["control_overlap"]), exact=SOLVED)


def _at(numbers: xr.Dataset, time: float) -> xr.Dataset:
    try:
        return numbers.sel(time=time, method="nearest", tolerance=1e-6 * time)
    except KeyError:
        raise Missing(f"no energy at t = {time:g}") from None


def _from(numbers: xr.Dataset, initial_temperature: float) -> xr.Dataset:
    if initial_temperature not in numbers["initial_temperature"].values:
        raise Missing(f"no quench from T0 = {initial_temperature:g}")
    return numbers.sel(initial_temperature=initial_temperature)


def _measured(value: float, error: float) -> Measured:
    if math.isnan(value):
        return Measured(value, reason="the solution ends before that time")
    return Measured(value, value - error, value + error)
