"""Exponential and logarithm against NumPy's in extended precision."""

from __future__ import annotations

import numba
import numpy as np

from quench.numerics.elementary import exponential, logarithm, logarithm_of_one_plus


@numba.njit
def _each(function, values):
    out = np.empty_like(values)
    for i in range(values.size):
        out[i] = function(values[i])
    return out


def relative_error(function, exact, values):
    expected = exact(values.astype(np.longdouble))
    return np.abs(_each(function, values) / expected - 1).max()


def test_the_exponential_is_right_over_its_whole_range():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.uniform(-708, 709, 100_000), rng.uniform(-1, 1, 100_000), [0.0, 1e-300, -1e-300]])
    assert relative_error(exponential, np.exp, values) < 7e-16
    assert exponential(0.0) == 1.0


def test_the_exponential_at_its_ends():
    given = np.array([-709.0, -1e300, -np.inf, 710.0, 1e300, np.inf])
    assert _each(exponential, given).tolist() == [0, 0, 0, np.inf, np.inf, np.inf]
    assert np.isnan(exponential(np.nan))


def test_the_logarithm_is_right_at_every_size():
    rng = np.random.default_rng(1)
    values = np.concatenate([np.exp(rng.uniform(-700, 700, 100_000)), 1 + rng.uniform(-0.5, 0.5, 100_000)])
    values = values[values != 1]
    assert relative_error(logarithm, np.log, values) < 5e-16
    assert logarithm(1.0) == 0.0


def test_the_logarithm_of_one_plus_a_small_number():
    values = 10.0 ** np.random.default_rng(2).uniform(-300, 3, 100_000)
    assert relative_error(logarithm_of_one_plus, np.log1p, values) < 5e-16
    assert logarithm_of_one_plus(0.0) == 0.0
