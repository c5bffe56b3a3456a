"""Randomness keyed by (seed, stream, step): Philox4x32-10 counters, never global state or call order.

Every draw is a pure function of its key, so a run that is split over jobs, threads, chunks or restarts sees the same
numbers, and so do both training backends. The generator is that of Salmon, Moraes, Dror & Shaw, *Parallel random
numbers: as easy as 1, 2, 3* (SC 2011); its four counter words are (block, high half of the seed, low and high half of
the step) and its two key words (low half of the seed, stream), which no two keys share.

Real numbers come from additions, multiplications, divisions and square roots of IEEE float64 alone, never from a
mathematical library, so a vectorised build for any processor gives the same bits.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numba.extending import intrinsic

from quench.numerics.compiled import compiled

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)

_LOW = np.uint64(0xFFFFFFFF)
_HALF_WORD = np.uint64(32)
_ZERO, _ONE, _TWO, _FOUR, _SIX, _EIGHT = (np.uint64(n) for n in (0, 1, 2, 4, 6, 8))

_LOG_2 = float.fromhex("0x1.62e42fefa39efp-1")
_SQRT_2 = np.sqrt(2.0)
_QUARTER_TURN = np.pi / 2

_Word = np.uint64
_Words = tuple[_Word, _Word, _Word, _Word]

# Inlined by LLVM: the loops below become one straight body, which it vectorises.
_inlined = compiled(inline=True)


def _llvm_sqrt(typing_context: Any, x: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.sqrt", [arguments[0].type]), arguments)

    return x(x), emit


# IEEE square root as an LLVM intrinsic; NumPy's is a library call, which stops the vectoriser.
_sqrt: Any = intrinsic(_llvm_sqrt)


def stream_id(name: str) -> int:
    """A 32-bit number for a named use of randomness ("initial weights", "langevin noise"), the same everywhere."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little")


def uniforms(seed: int, stream: int, step: int, n: int) -> np.ndarray:
    """``n`` independent uniform numbers in the open interval (0, 1), 52 random bits each; float64 (n).

    Raises ``ValueError`` for a key outside seed, step < 2^64 and stream < 2^32 (so do all functions below).
    """
    out = np.empty(_count(n), np.float64)
    fill_uniforms(out, *_key(seed, stream, step))
    return out


def normals(seed: int, stream: int, step: int, n: int) -> np.ndarray:
    """``n`` independent standard normal numbers; float32 (n). They reach |x| = 6.76 (two-sided probability 1e-11)."""
    out = np.empty(_count(n), np.float32)
    fill_normals(out, *_key(seed, stream, step))
    return out


def permutation(seed: int, stream: int, step: int, n: int) -> np.ndarray:
    """A permutation of 0 ... n-1, each of the n! equally likely (as far as 128-bit keys can tell); int64 (n)."""
    out = np.empty(_count(n), np.int64)
    fill_permutation(out, *_key(seed, stream, step))
    return out


def integers(seed: int, stream: int, step: int, n: int, bound: int) -> np.ndarray:
    """``n`` independent integers, exactly uniform on 0 ... bound-1, 1 <= bound <= 2^32; int64 (n)."""
    if not 1 <= bound <= 2**32:
        raise ValueError(f"bound must lie between 1 and 2^32, not {bound}")
    out = np.empty(_count(n), np.int64)
    fill_integers(out, *_key(seed, stream, step), np.uint64(bound))
    return out


def _key(seed: int, stream: int, step: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    for name, value, bits in (("seed", seed, 64), ("stream", stream, 32), ("step", step, 64)):
        if not 0 <= value < 2**bits:
            raise ValueError(f"{name} must lie between 0 and 2^{bits} - 1, not {value}")
    return np.uint64(seed), np.uint64(stream), np.uint64(step)


def _count(n: int) -> int:
    if not 0 <= n <= 2**32:
        raise ValueError(f"the number of draws must lie between 0 and 2^32, not {n}")
    return n


@_inlined
def _round(c0: _Word, c1: _Word, c2: _Word, c3: _Word, k0: _Word, k1: _Word) -> _Words:
    p0 = _MULTIPLIER_0 * c0
    p1 = _MULTIPLIER_1 * c2
    return (p1 >> _HALF_WORD) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF_WORD) ^ c3 ^ k1, p0 & _LOW


@_inlined
def _two_rounds(c0: _Word, c1: _Word, c2: _Word, c3: _Word, k0: _Word, k1: _Word) -> _Words:
    c0, c1, c2, c3 = _round(c0, c1, c2, c3, k0, k1)
    return _round(c0, c1, c2, c3, (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW)


@_inlined
def philox(c0: _Word, c1: _Word, c2: _Word, c3: _Word, k0: _Word, k1: _Word) -> _Words:
    """Philox4x32-10 of four counter and two key words; all are 32-bit values held in uint64.

    The ten rounds are written out because the vectoriser gives up on a loop inside the loop over blocks.
    """
    c0, c1, c2, c3 = _two_rounds(c0, c1, c2, c3, k0, k1)
    c0, c1, c2, c3 = _two_rounds(c0, c1, c2, c3, (k0 + _TWO * _WEYL_0) & _LOW, (k1 + _TWO * _WEYL_1) & _LOW)
    c0, c1, c2, c3 = _two_rounds(c0, c1, c2, c3, (k0 + _FOUR * _WEYL_0) & _LOW, (k1 + _FOUR * _WEYL_1) & _LOW)
    c0, c1, c2, c3 = _two_rounds(c0, c1, c2, c3, (k0 + _SIX * _WEYL_0) & _LOW, (k1 + _SIX * _WEYL_1) & _LOW)
    return _two_rounds(c0, c1, c2, c3, (k0 + _EIGHT * _WEYL_0) & _LOW, (k1 + _EIGHT * _WEYL_1) & _LOW)


@_inlined
def _block(seed: _Word, stream: _Word, step: _Word, block: int) -> _Words:
    seed, stream, step = np.uint64(seed), np.uint64(stream), np.uint64(step)
    return philox(np.uint64(block), seed >> _HALF_WORD, step & _LOW, step >> _HALF_WORD, seed & _LOW, stream)


@_inlined
def _uniform(high: _Word, low: _Word) -> float:
    bits = (high << np.uint64(20)) | (low >> np.uint64(12))
    return (np.float64(np.int64(bits)) + 0.5) * 2.0**-52


@_inlined
def _log(u: float) -> float:
    """Natural logarithm of a positive normal float64, to 1e-12: 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172."""
    bits = np.float64(u).view(np.int64)
    exponent = (bits >> 52) - 1023
    m = np.int64((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    upper = m > _SQRT_2
    m = m * 0.5 if upper else m
    exponent = exponent + 1 if upper else exponent
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    series = 1 / 11 + z * (1 / 13 + z * (1 / 15))
    series = 1.0 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z * (1 / 9 + z * series))))
    return exponent * _LOG_2 + 2.0 * s * series


@_inlined
def _sine_cosine(a: float) -> tuple[float, float]:
    """Taylor sums for |a| <= pi/4, to 1e-13."""
    z = a * a
    sine = 1 / 362880 - z * (1 / 39916800 - z * (1 / 6227020800))
    sine = a * (1.0 - z * (1 / 6 - z * (1 / 120 - z * (1 / 5040 - z * sine))))
    cosine = 1 / 40320 - z * (1 / 3628800 - z * (1 / 479001600 - z * (1 / 87178291200)))
    cosine = 1.0 - z * (1 / 2 - z * (1 / 24 - z * (1 / 720 - z * cosine)))
    return sine, cosine


@_inlined
def _normal_pair(radius_word: _Word, angle_word: _Word) -> tuple[np.float32, np.float32]:
    """Box & Muller (1958): two independent normals from a squared radius -2 log u and a uniform angle."""
    radius = _sqrt(-2.0 * _log((np.float64(np.int64(radius_word)) + 0.5) * 2.0**-32))
    quadrant = angle_word >> np.uint64(30)
    within = (np.float64(np.int64(angle_word & np.uint64(0x3FFFFFFF))) + 0.5) * 2.0**-30
    sine, cosine = _sine_cosine((within - 0.5) * _QUARTER_TURN)
    turned = (quadrant & _ONE) != 0
    radius = -radius if quadrant > _ONE else radius
    x = -sine if turned else cosine
    y = cosine if turned else sine
    return np.float32(radius * x), np.float32(radius * y)


@compiled
def fill_uniforms(out: np.ndarray, seed: _Word, stream: _Word, step: _Word) -> None:
    """Compiled body of ``uniforms``: fills ``out`` (float64); seed, stream and step are uint64."""
    whole = out.size // 2
    for block in range(whole):
        w0, w1, w2, w3 = _block(seed, stream, step, block)
        out[2 * block] = _uniform(w0, w1)
        out[2 * block + 1] = _uniform(w2, w3)
    if out.size > 2 * whole:
        w0, w1, w2, w3 = _block(seed, stream, step, whole)
        out[2 * whole] = _uniform(w0, w1)


@compiled
def fill_normals(out: np.ndarray, seed: _Word, stream: _Word, step: _Word) -> None:
    """Compiled body of ``normals``: fills ``out`` (float32); seed, stream and step are uint64."""
    whole = out.size // 4
    for block in range(whole):
        w0, w1, w2, w3 = _block(seed, stream, step, block)
        out[4 * block], out[4 * block + 1] = _normal_pair(w0, w1)
        out[4 * block + 2], out[4 * block + 3] = _normal_pair(w2, w3)
    rest = out.size - 4 * whole
    if rest > 0:
        w0, w1, w2, w3 = _block(seed, stream, step, whole)
        a, b = _normal_pair(w0, w1)
        c, _ = _normal_pair(w2, w3)
        out[4 * whole] = a
        if rest > 1:
            out[4 * whole + 1] = b
        if rest > 2:
            out[4 * whole + 2] = c


@_inlined
def _bounded(
    words: _Words, position: int, bound: _Word, seed: _Word, stream: _Word, step: _Word
) -> tuple[np.int64, _Words, int]:
    """An exactly uniform integer below ``bound`` from word ``position`` on; the words of its block; the next position.

    The words are rotated: the one at the next position comes first.

    Lemire, *Fast random integer generation in an interval* (ACM TOMACS 29, 2019): the high half of word x bound, with
    the words rejected that would make some integers likelier than others.
    """
    w0, w1, w2, w3 = words
    while True:
        if position & 3 == 0:
            w0, w1, w2, w3 = _block(seed, stream, step, position >> 2)
        product = w0 * bound
        position += 1
        w0, w1, w2, w3 = w1, w2, w3, w0
        # The division is needed once in 2^32 / bound draws: a low half of at least ``bound`` is accepted anyway.
        low = product & _LOW
        if low >= bound or low >= (_LOW + _ONE - bound) % bound:
            return np.int64(product >> _HALF_WORD), (w0, w1, w2, w3), position


@compiled
def fill_permutation(out: np.ndarray, seed: _Word, stream: _Word, step: _Word) -> None:
    """Compiled body of ``permutation`` (Fisher & Yates): fills ``out`` (integers); seed, stream and step are uint64."""
    words, position = (_ZERO, _ZERO, _ZERO, _ZERO), 0
    for i in range(out.size):
        out[i] = i
    for i in range(out.size - 1, 0, -1):
        j, words, position = _bounded(words, position, np.uint64(i + 1), seed, stream, step)
        out[i], out[j] = out[j], out[i]


@compiled
def fill_integers(out: np.ndarray, seed: _Word, stream: _Word, step: _Word, bound: _Word) -> None:
    """Compiled body of ``integers``: fills ``out`` (integers); seed, stream, step and bound are uint64."""
    words, position = (_ZERO, _ZERO, _ZERO, _ZERO), 0
    for i in range(out.size):
        out[i], words, position = _bounded(words, position, bound, seed, stream, step)
