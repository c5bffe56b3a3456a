"""Annealing: the same temperatures however a run is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.dynamics.annealing import Annealing


@given(
    start=st.floats(1e-6, 10),
    end=st.floats(1e-6, 10),
    updates=st.integers(1, 50),
    form=st.sampled_from(["linear", "exponential"]),
    cuts=st.lists(st.integers(0, 80), max_size=3),
)
def test_annealing_runs_from_start_to_end_however_it_is_cut(start, end, updates, form, cuts):
    schedule = Annealing(start, end, updates, form)
    at = np.array([schedule.temperature(step) for step in range(80)])
    assert at[0] == pytest.approx(start) and (at[updates:] == end).all()
    steps = np.diff(at[: updates + 1]) if form == "linear" else np.diff(np.log(at[: updates + 1]))
    np.testing.assert_allclose(steps, steps[0] if len(steps) else 0, atol=1e-9)
    places = sorted(cuts)
    seen = [
        stretch
        for first, last in zip([0, *places], [*places, 80], strict=True)
        for stretch in schedule.stretches(first, last - first)
    ]
    spread = [(step, temperature) for first, count, temperature in seen for step in range(first, first + count)]
    assert spread == list(enumerate(at.tolist()))


def test_exponential_annealing_does_not_reach_zero():
    with pytest.raises(ValueError, match="T = 0"):
        Annealing(0.1, 0.0, 10, "exponential")
    with pytest.raises(ValueError, match="form must be one of linear, exponential"):
        Annealing(0.1, 0.05, 10, "cubic")
    assert Annealing(0.1, 0.0, 10).temperature(9) == pytest.approx(0.01)
