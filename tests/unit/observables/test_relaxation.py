"""Relaxation times: interpolation between lags, censored curves, and properties of any falling curve."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf, erfinv

from quench.dynamics.schedule import lags
from quench.observables.relaxation import LEVELS, crossing_time, longest_lag


def curve(lags, values):
    return xr.DataArray(np.asarray(values, float), dims="lag", coords={"lag": np.asarray(lags)})


def brownian(lags, tau):
    """Q of free Brownian weights with tau90 = ``tau``."""
    return curve(lags, erf(erfinv(0.9) * np.sqrt(tau / np.maximum(lags, 1e-300))))


def by_log_time(q, level):
    """Interpolation linear in log t, or in t from lag 0."""
    t, values = q["lag"].values, q.values
    k = int(np.flatnonzero(values <= level)[0])
    share = (values[k - 1] - level) / (values[k - 1] - values[k])
    return t[k - 1] + share * (t[k] - t[k - 1]) if t[k - 1] == 0 else t[k - 1] * (t[k] / t[k - 1]) ** share


@pytest.mark.parametrize("tau", [0.4, 1.3, 2.7, 13.7, 1234.5])
def test_crossing_of_free_weights_is_exact_on_any_lags(tau):
    q = brownian(lags(30_000, 10, 12), tau)
    assert float(crossing_time(q, 0.9)) == pytest.approx(tau, rel=1e-9)
    assert float(crossing_time(q, LEVELS["tau_e"])) == pytest.approx(
        tau * (erfinv(0.9) / erfinv(np.exp(-1))) ** 2, rel=1e-9
    )


def test_interpolation_in_log_time_would_be_short_at_a_few_updates():
    times = lags(30_000, 10, 12)
    errors = [by_log_time(brownian(times, tau), 0.9) / tau - 1 for tau in np.linspace(1.05, 1.95, 10)]
    assert np.mean(errors) < -0.015
    found = [float(crossing_time(brownian(times, tau), 0.9)) / tau - 1 for tau in np.linspace(1.05, 1.95, 10)]
    assert np.abs(found).max() < 1e-9


def test_crossing_of_ballistic_weights_is_exact():
    q = curve([0, 60, 200], erf(erfinv(0.9) * 100 / np.array([1e-300, 60, 200])))
    assert float(crossing_time(q, 0.9)) == pytest.approx(100, rel=1e-9)


def test_crossing_where_all_weights_have_moved_at_once():
    assert float(crossing_time(curve([0, 4], [1, 0]), 0.9)) == pytest.approx(0.4)
    assert float(crossing_time(curve([0, 3, 9], [1, 0.9, 0.8]), 0.9)) == 3
    assert np.isnan(crossing_time(curve([0, 3, 9], [1, 0.99, 0.95]), 0.9))
    assert float(longest_lag(curve([0, 3, 9], [1, 0.99, np.nan]))) == 3


def test_first_crossing_counts():
    noisy = curve([0, 1, 2, 3, 4], [1, 0.95, 0.85, 0.95, 0.7])
    assert 1 < float(crossing_time(noisy, 0.9)) < 2


def test_lags_that_were_not_recorded_are_bridged():
    complete = brownian(np.array([0, 10, 50, 1000]), 100.0)
    gap = complete.where(complete["lag"] != 50)
    assert float(crossing_time(gap, 0.9)) == pytest.approx(100)
    assert np.isnan(crossing_time(curve([0, 1], [np.nan, np.nan]), 0.9))


@given(
    st.lists(st.integers(1, 10**6), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(0, 1), min_size=20, max_size=20),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
)
def test_crossing_properties(distinct, values, one, other):
    times = [0, *sorted(distinct)]
    falling = curve(times, np.minimum.accumulate([1.0, *values[: len(times) - 1]]))
    low, high = sorted((one, other))
    late, early = float(crossing_time(falling, low)), float(crossing_time(falling, high))
    for level, time in ((low, late), (high, early)):
        reached = (falling <= level).any()
        assert bool(reached) == bool(np.isfinite(time))
        if reached:
            after = int(np.flatnonzero(falling <= level)[0])
            assert times[after - 1] <= time * (1 + 1e-9) and time <= times[after] * (1 + 1e-9)
    if np.isfinite(late):
        assert early <= late * (1 + 1e-9)
    # Time in other units scales the result.
    stretched = falling.assign_coords(lag=8 * falling["lag"])
    assert float(crossing_time(stretched, low)) == pytest.approx(8 * late, rel=1e-9, nan_ok=True)
