"""Keyed randomness: published numbers, distributions, independence of keys, the same bits on every processor."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import special, stats

from quench.numerics import random

SEEDS = st.integers(0, 2**64 - 1)
STREAMS = st.integers(0, 2**32 - 1)
# A correct generator fails a test at this level once in a thousand; the keys are fixed, so it either does or does not.
LEVEL = 1e-3


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_numbers_published_with_random123(counter, key, answer):
    assert [int(word) for word in random.philox(*[np.uint64(word) for word in counter + key])] == answer


def test_uniforms_and_normals_are_these_functions_of_the_philox_words():
    """An independent reading of the definition with NumPy's log, sine and cosine in float64."""
    seed, stream, step, n = 2**63 + 12345, 0xDEADBEEF, 2**40 + 7, 4000
    words = np.array(
        [
            random.philox(
                *[np.uint64(w) for w in (b, seed >> 32, step & 0xFFFFFFFF, step >> 32, seed & 0xFFFFFFFF, stream)]
            )
            for b in range(n // 4)
        ],
        dtype=np.uint64,
    ).ravel()
    high, low = words[0::2], words[1::2]
    u = ((high * np.uint64(2**20) + (low >> np.uint64(12))).astype(float) + 0.5) / 2.0**52
    assert np.array_equal(random.uniforms(seed, stream, step, n // 2), u)

    radius = np.sqrt(-2 * np.log((high.astype(float) + 0.5) / 2.0**32))
    # The first quadrant runs from -pi/4 to pi/4.
    angle = 2 * np.pi * (low.astype(float) + 0.5) / 2.0**32 - np.pi / 4
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
    drawn = random.normals(seed, stream, step, n)
    # Half a unit in the last place of float32 is 2^-24 = 6e-8 of the value; the series add 1e-12 of the radius.
    np.testing.assert_allclose(drawn, expected, rtol=6.1e-8, atol=1e-11)


def test_uniforms_have_the_right_range_moments_and_distribution():
    u = random.uniforms(7, 1, 0, 200_000)
    assert u.dtype == np.float64
    assert 0 < u.min() < 1e-4
    assert 1 - 1e-4 < u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > LEVEL
    # The bits below 2^-32 are random too: they are missing where a double is made of one 32-bit word.
    assert stats.kstest(np.ldexp(u, 32) % 1, "uniform").pvalue > LEVEL


def test_normals_have_the_right_moments_distribution_and_tails():
    n = 4_000_000
    x = random.normals(3, 9, 1, n)
    assert x.dtype == np.float32
    assert stats.kstest(x[:500_000], "norm").pvalue > LEVEL
    x = x.astype(float)
    # Standard errors of the first four moments of a standard normal: sqrt(1, 2, 15, 96) / sqrt(n).
    for moment, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(x**moment) - expected) < 4 * np.sqrt(variance / n)
    for bound in (3.0, 4.0, 5.0):
        for tail in (np.sum(x > bound), np.sum(x < -bound)):
            assert stats.poisson.sf(tail - 1, n * stats.norm.sf(bound)) > LEVEL
            assert stats.poisson.cdf(tail, n * stats.norm.sf(bound)) > LEVEL
    # Pairs come from one radius and one angle: neighbours must be independent.
    assert abs(np.mean(x[0::2] * x[1::2])) < 4 / np.sqrt(n / 2)
    assert abs(np.mean((x[0::2] ** 2 - 1) * (x[1::2] ** 2 - 1))) < 4 * 2 / np.sqrt(n / 2)


def test_the_largest_normal_belongs_to_the_smallest_uniform():
    for radius_word in (0, 1, 1000, 2**31, 2**32 - 1):
        x, y = random._normal_pair(np.uint64(radius_word), np.uint64(2**29))
        expected = np.sqrt(-2 * np.log((radius_word + 0.5) / 2.0**32))
        assert np.hypot(float(x), float(y)) == pytest.approx(expected, rel=1e-7)
    x, _ = random._normal_pair(np.uint64(0), np.uint64(2**29))
    assert float(x) == pytest.approx(6.7637, abs=1e-3)


@given(seed=SEEDS, stream=STREAMS, step=SEEDS, n=st.integers(0, 50), m=st.integers(0, 50))
def test_shorter_draws_are_the_beginning_of_longer_ones(seed, stream, step, n, m):
    n, m = sorted((n, m))
    for draw in (random.uniforms, random.normals, lambda *key: random.integers(*key, 10)):
        assert np.array_equal(draw(seed, stream, step, m)[:n], draw(seed, stream, step, n))


@pytest.mark.parametrize(
    "other",
    [(6, 2, 3), (5, 3, 3), (5, 2, 4), (5 + 2**32, 2, 3), (5, 2, 3 + 2**32), (2, 5, 3), (3, 2, 5)],
    ids=["seed", "stream", "step", "high seed", "high step", "seed and stream swapped", "seed and step swapped"],
)
def test_different_keys_give_independent_numbers(other):
    n = 100_000
    a, b = random.normals(5, 2, 3, n).astype(float), random.normals(*other, n).astype(float)
    assert not np.any(a[:100] == b[:100])
    # Correlations at zero lag and small shifts; each has standard error 1/sqrt(n).
    for shift in range(5):
        assert abs(np.mean(a * np.roll(b, shift))) < 4 / np.sqrt(n)


def test_numbers_of_many_seeds_streams_and_steps_are_normal_across_the_key():
    """The first number of each key, over 20,000 neighbouring keys, is itself a standard normal sample."""
    keys = range(20_000)
    for draw in (lambda i: (i, 1, 1), lambda i: (1, i, 1), lambda i: (1, 1, i)):
        sample = np.array([random.normals(*draw(i), 1)[0] for i in keys], dtype=float)
        assert stats.kstest(sample, "norm").pvalue > LEVEL
        assert abs(np.mean(sample[1:] * sample[:-1])) < 4 / np.sqrt(len(sample))


@given(seed=SEEDS, stream=STREAMS, step=SEEDS, n=st.integers(0, 300))
def test_permutations_hold_every_index_once(seed, stream, step, n):
    drawn = random.permutation(seed, stream, step, n)
    assert drawn.dtype == np.int64
    assert np.array_equal(np.sort(drawn), np.arange(n))


def test_every_permutation_is_equally_likely():
    draws = 24_000
    counts: dict[tuple[int, ...], int] = {}
    for step in range(draws):
        order = tuple(random.permutation(1, 2, step, 4).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > LEVEL


def test_integers_are_uniform_below_the_bound():
    drawn = random.integers(1, 2, 3, 130_000, 13)
    assert drawn.min() == 0
    assert drawn.max() == 12
    assert stats.chisquare(np.bincount(drawn, minlength=13)).pvalue > LEVEL
    assert not np.any(random.integers(1, 2, 3, 100, 1))


def test_integers_reject_the_words_that_would_bias_a_large_bound():
    """For a bound of 3 x 2^30 a third of the integers are twice as likely unless words are rejected."""
    bound = 3 * 2**30
    drawn = random.integers(1, 2, 3, 30_000, bound)
    assert drawn.max() < bound
    assert stats.chisquare(np.bincount(drawn % 3, minlength=3)).pvalue > LEVEL
    assert stats.kstest(drawn / bound, "uniform").pvalue > LEVEL
    assert np.array_equal(random.integers(1, 2, 3, 8, 2**32) >> 31, random.integers(1, 2, 3, 8, 2))


def test_compiled_bodies_give_the_same_numbers_inside_other_compiled_code():
    @njit
    def sums(seed, stream, steps, n):
        total = np.zeros(n, np.float32)
        buffer = np.empty(n, np.float32)
        for step in range(steps):
            random.fill_normals(buffer, seed, stream, np.uint64(step))
            total += buffer
        return total

    expected = np.zeros(11, np.float32)
    for step in range(5):
        expected += random.normals(4, 5, step, 11)
    assert np.array_equal(sums(np.uint64(4), np.uint64(5), 5, 11), expected)
    # Signed keys, as other compiled code may hold them, mean the same.
    assert np.array_equal(sums(4, 5, 5, 11), expected)


_DIGEST = """
import hashlib
from quench.numerics import random as r
key = (2**63 + 1, 77, 2**33)
parts = [r.normals(*key, 4099), r.uniforms(*key, 1001), r.permutation(*key, 999), r.integers(*key, 999, 1000)]
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


def _digest(**settings: str) -> str:
    environment = os.environ | settings
    done = subprocess.run([sys.executable, "-c", _DIGEST], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["generic", "haswell", "skylake-avx512"])
def test_the_bits_do_not_depend_on_the_vector_instructions(cpu, tmp_path):
    import llvmlite.binding as llvm

    if cpu == "skylake-avx512" and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this processor has no AVX-512")
    if llvm.get_process_triple().split("-")[0] != "x86_64":
        pytest.skip("these processor names are for x86-64")
    settings = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    assert _digest(**settings) == _digest()


def test_stream_numbers_never_change():
    assert random.stream_id("initial weights") == int.from_bytes(
        hashlib.blake2b(b"initial weights", digest_size=4).digest(), "little"
    )
    names = ["initial weights", "langevin", "epochs", "iid", ""]
    assert len({random.stream_id(name) for name in names}) == len(names)
    assert all(0 <= random.stream_id(name) < 2**32 for name in names)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: random.normals(-1, 0, 0, 1), "seed"),
        (lambda: random.normals(2**64, 0, 0, 1), "seed"),
        (lambda: random.uniforms(0, 2**32, 0, 1), "stream"),
        (lambda: random.permutation(0, 0, -1, 1), "step"),
        (lambda: random.normals(0, 0, 0, -1), "number of draws"),
        (lambda: random.integers(0, 0, 0, 1, 0), "bound"),
        (lambda: random.integers(0, 0, 0, 1, 2**32 + 1), "bound"),
    ],
)
def test_impossible_keys_are_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


def test_error_function_of_the_normals():
    """P(|x| < a) = erf(a / sqrt 2) at small a, where a coarse radius would show."""
    x = np.abs(random.normals(8, 8, 8, 2_000_000).astype(float))
    for a in (1e-3, 1e-2, 0.1):
        p = special.erf(a / np.sqrt(2))
        assert abs(np.mean(x < a) - p) < 4 * np.sqrt(p * (1 - p) / x.size)
