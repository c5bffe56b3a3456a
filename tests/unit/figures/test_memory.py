"""The figure of memory and its claims, on solutions with a planted energy, overlap and end."""

import json
import math

import numpy as np
import pytest
import xarray as xr

from quench.claims import memory as claims
from quench.errors import QuenchError
from quench.figures import build
from quench.figures.figure_inputs import FigureInputs
from quench.figures.theory import memory
from quench.theory import threshold
from quench.theory.covariance import Covariance

MIXED = [[3, 0.5], [4, 0.5]]
E_TH = threshold.threshold_energy(Covariance(((3, 0.5), (4, 0.5))), 0.0)


def descended(initial, *, above=0.0, remembered=0.0, reach=1e8, terms=MIXED, temperature=0.0):
    """E - E_th = ``above`` + t^(-1/2), C(t_w + t, t_w) = remembered + (1 - remembered) exp(-t)."""
    times = np.append(0.0, 10.0 ** np.arange(-1, 9))
    waiting, lags = np.append(0.0, 10.0 ** np.arange(0, 8)), 10.0 ** np.arange(-1, 9)
    limit = threshold.threshold_energy(Covariance(tuple(map(tuple, terms))), 0.0)
    energy = np.where(times <= reach, limit + above + np.maximum(times, 0.1) ** -0.5, np.nan)
    ends = waiting[:, None] + lags
    correlation = np.where(ends <= reach, remembered + (1 - remembered) * np.exp(-lags + 0 * ends), np.nan)
    pair = ("waiting_time", "lag")
    config = {"terms": terms, "initial_temperature": initial, "temperature": temperature}
    return xr.Dataset(
        {
            "energy": ("time", energy), "energy_error": ("time", 0 * energy + 1e-9),
            "correlation": (pair, correlation), "correlation_error": (pair, 0 * correlation + 1e-6),
        },
        {"time": times, "waiting_time": waiting, "lag": lags},
        {"kind": "glass", "config": json.dumps(config), "reach": reach},
    )  # fmt: skip


HOT, MEMORY = descended(None), descended(0.81, above=-0.01, remembered=0.6, reach=3e6)
PURE = descended(0.62, terms=[[3, 0.5]])


def test_the_figure_shows_what_is_planted(tmp_path):
    inputs = FigureInputs({"glass": {"inf": [HOT], "cool": [MEMORY], "pure": [PURE]}})
    numbers = build.numbers(memory, inputs)
    build.draw(memory, numbers, tmp_path / "memory", (".png",))
    numbers.to_netcdf(tmp_path / "memory.nc")
    assert numbers["initial_temperature"].values.tolist() == [math.inf, 0.81]
    assert claims.excess_energy(numbers, math.inf, 1e8).value == pytest.approx(1e-4, abs=1e-12)
    below = claims.excess_energy(numbers, 0.81, 1e6)
    assert below.value == pytest.approx(-0.01 + 1e-3) and below.high - below.low == pytest.approx(2e-9)
    # The end of the solution is a reason, and no value.
    assert "ends before" in claims.excess_energy(numbers, 0.81, 1e8).reason
    overlap = claims.final_overlap(numbers, 0.81)
    assert (overlap.value, overlap.high) == pytest.approx((0.6, 0.6 + 1e-6))
    assert claims.energy_difference(numbers, 0.81, math.inf, 1e6).value == pytest.approx(0.01)
    assert claims.control_overlap(numbers, 1e8).value == 0
    # C(t, t/2) at twice the waiting times that are lags, too.
    assert float(numbers["half_overlap"].sel(half_time=2e3, initial_temperature=0.81)) == pytest.approx(0.6)


def test_the_control_may_be_absent(tmp_path):
    numbers = build.numbers(memory, FigureInputs({"glass": {"inf": [HOT], "cool": [MEMORY]}}))
    build.draw(memory, numbers, tmp_path / "memory", (".png",))
    assert "control_overlap" not in numbers


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pure": [PURE]},
        {"one": [HOT], "same": [HOT]},
        {"one": [HOT], "other": [descended(0.9, terms=[[3, 0.5], [5, 0.5]])]},
        {"one": [HOT], "warm": [descended(0.9, temperature=0.1)]},
        {"one": [HOT], "pure": [PURE], "another": [PURE]},
    ],
)
def test_quenches_that_do_not_belong_together_are_refused(files):
    with pytest.raises(QuenchError, match=r"of one mixed model from different T0"):
        memory.compute(FigureInputs({"glass": files}))
