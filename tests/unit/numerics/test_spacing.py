"""Log-spaced numbers: both ends and one ratio in between, or a grid that does not depend on its ends."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.numerics.spacing import decades, geometric


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 100))
def test_neighbours_have_one_ratio(first, last, intervals):
    numbers = geometric(first, last, intervals)
    assert len(numbers) == intervals + 1 and numbers[0] == first
    # A power and a product are rounded: a few units in the last place.
    assert numbers[-1] == pytest.approx(last, rel=1e-14)
    ratios = [later / earlier for earlier, later in itertools.pairwise(numbers)]
    assert ratios == pytest.approx([math.exp(math.log(last / first) / intervals)] * intervals, rel=1e-13)


@given(st.floats(1e-6, 1e6), st.floats(1, 1e6), st.integers(1, 100))
def test_grid_has_one_ratio_and_every_power_of_ten(first, factor, per_decade):
    last = first * factor
    numbers = decades(first, last, per_decade)
    assert all(first <= number <= last for number in numbers)
    # No number of the grid is missing at either end.
    step = 10 ** (1 / per_decade)
    inner = [first, *numbers, last]
    assert all(later <= earlier * step * (1 + 1e-12) for earlier, later in itertools.pairwise(inner))
    for earlier, later in itertools.pairwise(numbers):
        assert later / earlier == pytest.approx(step, rel=1e-13)
    assert {10.0**i for i in range(-7, 14) if first <= 10.0**i <= last} <= set(numbers)
