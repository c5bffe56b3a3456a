"""Numbers over independent members, the networks, with 95 % intervals: the one place where intervals are computed.

One number per network comes first; then Student's t on these numbers, on logarithms where they are positive. Numbers that
exist for an ensemble alone (a ratio of means, a scatter between curves) have a jackknife interval, shares Jeffreys', and
medians that of order statistics. There is no bootstrap: below n = 12 its intervals are too short. Distributions are those
of ``scipy.special``: ``scipy.stats``, which gives the same bits, takes a second to import in every job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
Scale = Literal["linear", "log", "logit"]
Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number with the ends of its 95 % interval, NaN where it has none, and the number ``n`` of members behind it."""

    value: float
    low: float = np.nan
    high: float = np.nan
    n: int = 0


def quantile(count: int, confidence: float = CONFIDENCE) -> float:
    """Two-sided quantile of Student's t with ``count`` - 1 degrees of freedom; NaN for fewer than two members."""
    return float(special.stdtrit(count - 1, (1 + confidence) / 2)) if count > 1 else np.nan


def mean(numbers: ArrayLike, scale: Scale = "linear") -> Estimate:
    """Mean of one number per network with Student's interval; on the ``scale`` log, the geometric mean.

    Members where the number does not exist (NaN) are left out. Where one is not positive, such as a loss of exactly 0, the
    mean is arithmetic whatever the scale.
    """
    values = np.asarray(numbers, float)
    values = values[~np.isnan(values)]
    if not values.size:
        return Estimate(np.nan)
    logarithmic = scale == "log" and (values > 0).all()
    x = np.log(values) if logarithmic else values
    centre = float(x.mean())
    half = quantile(len(x)) * float(x.std(ddof=1)) / np.sqrt(len(x)) if len(x) > 1 else np.nan
    ends = np.array([centre, centre - half, centre + half])
    value, low, high = (np.exp(ends) if logarithmic else ends).tolist()
    return Estimate(value, low, high, len(x))


def beyond(times: ArrayLike, limits: ArrayLike) -> Estimate:
    """Geometric mean of times of which some are not reached (NaN) within their ``limits``: value and low end bound it.

    Times that are not reached count as their limits. The upper end is infinite.
    """
    known = np.asarray(times, float)
    bounds = np.where(np.isnan(known), np.asarray(limits, float), known)
    found = mean(bounds, "log")
    low = found.value if np.isnan(known).all() else found.low
    return Estimate(found.value, low, np.inf, found.n)


def difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Difference of the means of two independent samples, one number per network each.

    Student's quantile of the smaller sample, which covers at least 95 % whatever the two scatters are. Members where a
    number does not exist (NaN) are left out. The count is that of the smaller sample.
    """
    a, b = (np.asarray(one, float)[~np.isnan(np.asarray(one, float))] for one in (first, second))
    if not (a.size and b.size):
        return Estimate(np.nan)
    value, count = float(a.mean() - b.mean()), min(len(a), len(b))
    if count < 2:
        return Estimate(value, n=count)
    half = quantile(count) * np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return Estimate(value, value - half, value + half, count)


def share(hits: int, count: int) -> Estimate:
    """Share ``hits`` / ``count`` with Jeffreys' interval (Brown, Cai & DasGupta 2001, Stat. Sci. 16, 101)."""
    if not count:
        return Estimate(np.nan)
    low, high = special.betaincinv(hits + 0.5, count - hits + 0.5, [TAIL, 1 - TAIL]).tolist()
    return Estimate(hits / count, low if hits else 0.0, high if hits < count else 1.0, count)


def median(numbers: ArrayLike) -> Estimate:
    """Median with the order statistics that enclose it with at least 95 % probability; these exist from n = 6.

    Members where the number does not exist (NaN) are left out.
    """
    values = np.sort(np.asarray(numbers, float))
    values = values[~np.isnan(values)]
    if not values.size:
        return Estimate(np.nan)
    rank = int(np.searchsorted(special.bdtr(np.arange(len(values) + 1), len(values), 0.5), TAIL))
    ends = (float(values[rank - 1]), float(values[-rank])) if rank else (np.nan, np.nan)
    return Estimate(float(np.median(values)), *ends, len(values))


def without_each(count: int) -> Floats:
    """Weights of the mean over all members (row 0) and over all but one (the other rows), (1 + count, count).

    A number computed from these means is what ``jackknife`` takes.
    """
    return np.vstack([np.full(count, 1 / count), (1 - np.eye(count)) / max(count - 1, 1)])


def leaving_out(number: Callable[[NDArray[np.int64]], ArrayLike], count: int) -> Floats:
    """``number`` of all members (row 0) and of all but one (the other rows), for ``jackknife``; it takes their indices."""
    members = np.arange(count)
    subsets = [members, *(np.delete(members, one) for one in members)] if count > 1 else [members]
    return np.array([number(subset) for subset in subsets], dtype=float)


def jackknife(numbers: Floats, scale: Scale = "linear") -> tuple[Floats, Floats]:
    """Ends of the interval of ``numbers[0]``, whose other entries (first axis) leave out one member each; (...) both.

    Half width t s with s^2 = (n - 1)/n sum_i (x_i - mean x)^2 (Tukey 1958): for a mean this is Student's interval. On the
    ``scale`` log or logit the same relative to the slope of the scale at the number, so that the ends stay above 0, or
    within [0, 1]. NaN for one member, and where the number does not exist without one of them.
    """
    whole, parts = numbers[0], numbers[1:]
    count = len(parts)
    if count < 2:
        return np.full_like(whole, np.nan), np.full_like(whole, np.nan)
    spread = parts - parts.mean(axis=0)
    half = quantile(count) * np.sqrt((count - 1) / count * np.square(spread).sum(axis=0))
    if scale == "linear":
        return whole - half, whole + half
    slope = whole if scale == "log" else whole * (1 - whole)
    with np.errstate(over="ignore", invalid="ignore"):
        # A number at the end of its range, such as Q = 1, is the same for all members.
        factor = np.exp(np.divide(half, slope, out=np.zeros_like(half), where=slope > 0))
        if scale == "log":
            return whole / factor, whole * factor
        return whole / (whole + (1 - whole) * factor), whole / (whole + (1 - whole) / factor)


def jackknifed(numbers: ArrayLike, scale: Scale = "linear") -> Estimate:
    """The number of an ensemble and its ``jackknife`` interval, from ``leaving_out`` (1 + count)."""
    values = np.asarray(numbers, float)
    low, high = jackknife(values, scale)
    return Estimate(float(values[0]), float(low), float(high), max(len(values) - 1, 1))
