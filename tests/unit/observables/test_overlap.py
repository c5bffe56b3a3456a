"""Overlap: its definition, the properties that hold for any weights, and the resolution of floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quench.observables.overlap import check_resolution, overlap

finite = st.floats(-1e3, 1e3, allow_subnormal=False)
displacements = arrays.arrays(np.float64, st.integers(1, 40), elements=finite)


def test_overlap_counts_weights_within_the_length():
    # The boundary itself counts: Theta(0) = 0 in KWJ's Eq. 4.
    displacement = np.array([0.5, -0.25, 0.25, 0.125])
    assert overlap(displacement, 0.25) == 0.75
    assert overlap(displacement, 0.1) == 0
    assert overlap(displacement, 1) == 1


@given(displacements, st.floats(1e-9, 1e4), st.floats(1e-9, 1e4))
def test_overlap_properties(displacement, one, other):
    short, long = sorted((one, other))
    q = overlap(displacement, long)
    assert 0 <= q <= 1
    assert overlap(0 * displacement, short) == 1
    assert q == overlap(-displacement, long)
    assert overlap(displacement, short) <= q
    # The order of the weights does not matter.
    assert q == overlap(displacement[::-1], long)
    # A common power of two scales away exactly.
    assert q == overlap(4 * displacement, 4 * long)


def test_networks_have_lengths_of_their_own():
    assert overlap(np.array([[0.2, 0.4], [0.2, 0.4]]), np.array([0.3, 0.1])).tolist() == [0.5, 0]


def test_overlap_of_a_diverged_network_is_not_a_number():
    found = overlap(np.array([[0.0, np.nan], [0.0, np.inf], [0.0, 0.1]]), 0.5)
    assert np.isnan(found[:2]).all() and found[2] == 1


@pytest.mark.parametrize("dtype, epsilon", [(np.float64, 1e-17), (np.float32, 1e-8)])
def test_length_below_float_resolution_is_refused(dtype, epsilon):
    with pytest.raises(ValueError, match="below the resolution"):
        check_resolution(1.0, epsilon, dtype)
    check_resolution(1.0, 1e3 * epsilon, dtype)
    # A diverged network has no length; the others keep theirs.
    check_resolution([np.inf, 1.0, np.nan], [np.nan, 1e3 * epsilon, 1e3 * epsilon], dtype)
    for bad in (0.0, -0.1):
        with pytest.raises(ValueError, match="must be positive"):
            check_resolution(1.0, bad, dtype)
