"""Exponential and logarithm in compiled code, from IEEE float64 additions, multiplications and divisions alone.

A mathematical library rounds differently on another machine; these give the same bits everywhere, vectorised or not.
"""

from __future__ import annotations

import numpy as np

from quench.numerics.compiled import compiled

# log 2 as a number with 21 trailing zero bits, whose products with exponents are exact, and the rest.
_LOG_2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LOG_2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LOG_2_E = 1 / np.log(2.0)
# Adding it to |t| < 2^51 rounds t to an integer, which the lowest bits of the sum then hold.
_ROUNDING = 1.5 * 2.0**52
_ROUNDING_BITS = int(np.float64(_ROUNDING).view(np.int64))
_SMALLEST, _LARGEST = -708.0, 709.0
_SQRT_2 = np.sqrt(2.0)


@compiled(inline=True)
def exponential(x: float) -> float:
    """e^x of a float64 to 3 units in the last place; 0 below -708, infinity above 709, NaN for NaN.

    x = n log 2 + r with |r| <= log(2)/2, and the Taylor sum of e^r to order 13.
    """
    # Bounded first: NaN and numbers beyond the ends must not spoil the exponent below.
    bounded = x if x > _SMALLEST else _SMALLEST
    bounded = bounded if bounded < _LARGEST else _LARGEST
    shifted = bounded * _LOG_2_E + _ROUNDING
    n = shifted - _ROUNDING
    r = (bounded - n * _LOG_2_HIGH) - n * _LOG_2_LOW
    series = 1 / 3628800 + r * (1 / 39916800 + r * (1 / 479001600 + r * (1 / 6227020800)))
    series = 1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r * series))
    series = 1 / 24 + r * (1 / 120 + r * (1 / 720 + r * series))
    series = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * series)))
    power = np.int64((np.float64(shifted).view(np.int64) - _ROUNDING_BITS + 1023) << 52).view(np.float64)
    result = series * power
    result = result if x <= _LARGEST else np.inf
    result = result if x >= _SMALLEST else 0.0
    return result if x == x else x  # noqa: PLR0124


@compiled(inline=True)
def logarithm(x: float) -> float:
    """log x of a normal positive float64 to 2 units in the last place.

    x = 2^n m with m between 1/sqrt(2) and sqrt(2), and log m = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172.
    """
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    m = np.int64((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    upper = m > _SQRT_2
    m = m * 0.5 if upper else m
    n = np.float64(exponent + 1 if upper else exponent)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1 / 15 + z * (1 / 17 + z * (1 / 19 + z * (1 / 21)))
    series = z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z * series))))))
    return n * _LOG_2_HIGH + (2.0 * s + (2.0 * s * series + n * _LOG_2_LOW))


@compiled(inline=True)
def logarithm_of_one_plus(t: float) -> float:
    """log(1 + t) of a float64 t >= 0, to the same relative error however small t is."""
    one_plus = 1.0 + t
    return logarithm(one_plus) + (t - (one_plus - 1.0)) / one_plus
