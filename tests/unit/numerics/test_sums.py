"""Sums in a fixed order against exact ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quench.numerics.sums import mean, mean_square, mean_square_difference


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_exact_to_rounding(n, dtype):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=n).astype(dtype), rng.normal(size=n).astype(dtype)
    exactly = {
        mean: math.fsum(a) / n,
        mean_square: math.fsum(float(x) ** 2 for x in a) / n,
    }
    for function, expected in exactly.items():
        assert function(a) == pytest.approx(expected, rel=1e-14, abs=1e-15)
    expected = math.fsum(float(x) ** 2 for x in a - b) / n
    assert mean_square_difference(a, b) == pytest.approx(expected, rel=1e-14)


def test_a_small_difference_of_large_numbers_keeps_its_digits():
    a = np.full(1000, 1000, np.float32)
    assert mean_square_difference(a, np.nextafter(a, np.float32(2000))) == np.spacing(np.float32(1000)) ** 2


def test_not_a_number_shows():
    a = np.ones(100)
    a[70] = np.nan
    assert np.isnan([mean(a), mean_square(a), mean_square_difference(a, np.ones(100))]).all()
