"""Log-spaced numbers: both ends, and one ratio in between."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.numerics.spacing import geometric


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 100))
def test_neighbours_have_one_ratio(first, last, intervals):
    numbers = geometric(first, last, intervals)
    assert len(numbers) == intervals + 1 and numbers[0] == first
    # A power and a product are rounded: a few units in the last place.
    assert numbers[-1] == pytest.approx(last, rel=1e-14)
    ratios = [later / earlier for earlier, later in itertools.pairwise(numbers)]
    assert ratios == pytest.approx([math.exp(math.log(last / first) / intervals)] * intervals, rel=1e-13)
