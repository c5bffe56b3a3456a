"""Log-spaced numbers with the same bits on every processor."""

from __future__ import annotations


def geometric(first: float, last: float, intervals: int) -> list[float]:
    """first (last/first)^(i/intervals) for i = 0, 1, ..., ``intervals``; ``first`` and ``last`` > 0."""
    # Python's own power: the last bit of NumPy's, which works on several numbers at once, depends on the processor.
    return [first * (last / first) ** (i / intervals) for i in range(intervals + 1)]
