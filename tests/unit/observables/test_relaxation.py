"""Relaxation times: interpolation between lags, censored curves, and properties of any falling curve."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from quench.observables.relaxation import LEVELS, crossing_time, longest_lag


def curve(lags, values):
    return xr.DataArray(np.asarray(values, float), dims="lag", coords={"lag": np.asarray(lags)})


def test_crossing_is_interpolated_in_log_time():
    assert float(crossing_time(curve([0, 10, 1000], [1, 0.95, 0.85]), 0.9)) == pytest.approx(100)
    # From lag 0, which has no logarithm, linearly.
    assert float(crossing_time(curve([0, 4], [1, 0.8]), 0.9)) == pytest.approx(2)
    assert float(crossing_time(curve([0, 3, 9], [1, 0.9, 0.8]), 0.9)) == 3
    assert np.isnan(crossing_time(curve([0, 3, 9], [1, 0.99, 0.95]), 0.9))
    assert float(longest_lag(curve([0, 3, 9], [1, 0.99, np.nan]))) == 3


def test_first_crossing_counts():
    noisy = curve([0, 1, 2, 3, 4], [1, 0.95, 0.85, 0.95, 0.7])
    assert 1 < float(crossing_time(noisy, 0.9)) < 2


def test_lags_that_were_not_recorded_are_bridged():
    gap = curve([0, 10, 50, 1000], [1, 0.95, np.nan, 0.85])
    assert float(crossing_time(gap, 0.9)) == pytest.approx(100)
    assert np.isnan(crossing_time(curve([0, 1], [np.nan, np.nan]), 0.9))


@given(
    st.lists(st.integers(1, 10**6), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(0, 1), min_size=20, max_size=20),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
)
def test_crossing_properties(lags, values, one, other):
    lags = [0, *sorted(lags)]
    falling = curve(lags, np.minimum.accumulate([1.0, *values[: len(lags) - 1]]))
    low, high = sorted((one, other))
    late, early = float(crossing_time(falling, low)), float(crossing_time(falling, high))
    for level, time in ((low, late), (high, early)):
        reached = (falling <= level).any()
        assert bool(reached) == bool(np.isfinite(time))
        if reached:
            after = int(np.flatnonzero(falling <= level)[0])
            assert lags[after - 1] <= time * (1 + 1e-12) and time <= lags[after] * (1 + 1e-12)
    if np.isfinite(late):
        assert early <= late * (1 + 1e-12)
    # Time in other units scales the result, but for the linear stretch from 0, which scales too.
    stretched = falling.assign_coords(lag=8 * falling["lag"])
    assert np.array_equal(float(crossing_time(stretched, low)), 8 * late, equal_nan=True) or float(
        crossing_time(stretched, low)
    ) == pytest.approx(8 * late, rel=1e-12)


def test_crossing_is_exact_for_a_curve_linear_in_log_time():
    lag = np.unique(np.round(np.geomspace(1, 1e5, 40)).astype(int))
    q = curve(lag, 1 - 0.07 * np.log10(lag))
    for level in LEVELS.values():
        expected = 10 ** ((1 - level) / 0.07)
        found = float(crossing_time(q, level))
        assert found == pytest.approx(expected, rel=1e-10) if expected <= 1e5 else np.isnan(found)
