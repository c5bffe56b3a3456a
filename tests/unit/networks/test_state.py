"""States of trained networks by their final losses."""

import numpy as np
import pytest

from quench.networks import state


def test_states_by_share_of_the_loss_of_zero_weights():
    losses = [0.08, 0.19, 0.21, 0.302, 0.489, 0.49, 0.5, np.nan, np.inf]
    assert state.of_losses(losses, 0.5, 0.4).tolist() == [0, 0, 1, 1, 1, 2, 2, -1, -1]
    # Another loss, another scale.
    assert state.of_losses([0.2, 0.3, 0.69], np.log(2), 0.4).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("states", "expected"),
    [([0, 1, 1], 1), ([0, 1], 0), ([1, 1, 0, 0], 0), ([-1, -1, 1], 1), ([-1], 0), ([2, 1], 1), ([], 0)],
)
def test_most_common_state(states, expected):
    assert state.most_common(states) == expected


def test_states_are_described_as_flags():
    found = state.variable([0, 1])
    assert (
        dict(zip(found.attrs["flag_values"].tolist(), found.attrs["flag_meanings"].split(), strict=True))
        == state.MEANINGS
    )
