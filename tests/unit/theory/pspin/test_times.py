"""Lists of times as text."""

import itertools
import math

import pytest

from quench.errors import QuenchError
from quench.theory.pspin.times import end, listed


def test_lists_and_decades():
    assert listed("3,1,1", "times") == [1.0, 3.0]
    assert listed("0,0.1:10:1", "times") == [0.0, 0.1, 1.0, 10.0]
    times = listed("0.2:3:7", "times")
    assert times[0] == 0.2
    assert times[-1] == 3.0
    # log10(15) * 7 = 8.2 intervals, rounded; twelve digits are kept.
    assert len(times) == 9
    ratios = [late / early for early, late in itertools.pairwise(times)]
    assert ratios == pytest.approx([math.pow(15.0, 1 / 8)] * 8, rel=1e-11)


@pytest.mark.parametrize("text", ["", "1,two", "0:1:10", "-1", "nan", "1:2", "2:1:5", "1:2:0.5", "1:inf:2"])
def test_other_texts_are_refused(text):
    with pytest.raises(QuenchError, match=r"times: .* is neither"):
        listed(text, "times")


def test_the_end_covers_every_pair_or_is_given():
    assert end([1.0, 50.0], [10.0], [5.0, 20.0], None) == 50.0
    assert end([1.0], [10.0], [20.0], None) == 30.0
    assert end([1.0], [10.0], [20.0], 25.0) == 25.0
    with pytest.raises(ValueError, match="before the latest requested time, 20"):
        end([1.0], [10.0], [20.0], 15.0)
