"""Log-spaced numbers with the same bits on every processor."""

from __future__ import annotations

import math


def geometric(first: float, last: float, intervals: int) -> list[float]:
    """first (last/first)^(i/intervals) for i = 0, 1, ..., ``intervals``; ``first`` and ``last`` > 0."""
    # Python's own power: the last bit of NumPy's, which works on several numbers at once, depends on the processor.
    return [first * (last / first) ** (i / intervals) for i in range(intervals + 1)]


def decades(first: float, last: float, per_decade: int) -> list[float]:
    """10^(i / ``per_decade``) for all whole i that put it between ``first`` > 0 and ``last``; powers of ten are exact."""
    low, high = (math.floor(per_decade * math.log10(end)) for end in (first, last))
    numbers = (10.0 ** (i / per_decade) for i in range(low - 1, high + 2))
    return [number for number in numbers if first <= number <= last]
