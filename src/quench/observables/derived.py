"""Observables that follow from the measured tables, and the list of all observables of a file."""

from __future__ import annotations

from functools import partial

from quench.observables import table
from quench.observables.displacement import alpha2
from quench.observables.relaxation import LEVELS, crossing_time, longest_lag
from quench.observables.table import KWJ, Observable

_BY_WAITING_TIME = ("network", "waiting_time")

DERIVED = (
    Observable(
        name="alpha2",
        function=alpha2,
        of=("msd", "fourth_moment"),
        dims=(*_BY_WAITING_TIME, "lag"),
        long_name="non-Gaussian parameter",
        references=f"{KWJ}, Eq. 9",
        averaged=True,
    ),
    Observable(
        name="tau90",
        function=partial(crossing_time, level=LEVELS["tau90"]),
        of=("overlap",),
        dims=_BY_WAITING_TIME,
        long_name="time at which the overlap has fallen to 0.9; NaN: not reached",
        units="updates",
        references=f"{KWJ}, Sec. III.2",
        low=0,
        averaged=True,
    ),
    Observable(
        name="tau_e",
        function=partial(crossing_time, level=LEVELS["tau_e"]),
        of=("overlap",),
        dims=_BY_WAITING_TIME,
        long_name="time at which the overlap has fallen to 1/e; NaN: not reached",
        units="updates",
        references=f"{KWJ}, App. E",
        low=0,
        averaged=True,
    ),
    Observable(
        name="longest_lag",
        function=longest_lag,
        of=("overlap",),
        dims=_BY_WAITING_TIME,
        long_name="longest lag measured; a censored time lies beyond",
        units="updates",
        low=0,
    ),
)


def observables() -> tuple[Observable, ...]:
    """Every observable, the measured ones first."""
    return (*table.MEASURED, *DERIVED)
