"""The same bits from AVX2 and AVX-512 code, in processes of their own, and from fresh machine code as from kept."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from instruction_sets import PROCESSORS, output, output_of

from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.memory import CACHE_LINE, aligned, tile_size
from quench.dynamics.fused.microkernels import BLOCK

pytestmark = pytest.mark.slow

PRECISIONS = ("float32", "float64")

# Shapes with whole and broken register rectangles, tiles, blocks and vectors; few and many active samples.
_RUN = """
import hashlib
import sys
import numpy as np
from quench.dynamics.choices import SGD, Ensemble, Langevin
from quench.dynamics.fused import langevin, sgd
from quench.dynamics.fused.problem import Problem
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import normals

cases = [(30, 6, 10, 700, 1), (13, 2, 3, 333, 3), (7, 1, 1, 65, 30), (1, 1, 10, 5, 1)]
digest = hashlib.sha256()
for precision in sys.argv[1:]:
    for width, depth, inputs, n_samples, scale in cases:
        architecture = Architecture(inputs, width, depth)
        x = 3 * normals(1, 1, 0, n_samples * inputs).reshape(n_samples, inputs)
        y = np.where(x[:, 0] + normals(1, 2, 0, n_samples) > 0, 1, -1)
        weights = scale * np.stack([initial_weights(architecture, seed) for seed in (1, 2)])
        problem = Problem(x, y, architecture, precision)
        ensemble = Ensemble([1, 2], 3, weight_decay=1e-3)
        langevin.advance(problem, Langevin(step_size=1e-2, temperature=0.1), ensemble, weights, 0, 10)
        sgd.advance(problem, SGD(step_size=1e-2, batch_size=37), ensemble, weights, 0, 10)
        for result in (weights, problem.gradient(weights), *problem.loss(weights)):
            digest.update(result.tobytes())
    # A network that collapses: first its activations and gradients are subnormal, then its weights, in float32.
    architecture = Architecture(10, 16, 6)
    x = 3 * normals(1, 1, 0, 1000).reshape(100, 10)
    problem = Problem(x, np.where(x[:, 0] > 0, 1, -1), architecture, precision)
    weights, ensemble = initial_weights(architecture, 1)[None], Ensemble([1], 3, weight_decay=0.05)
    for start in range(0, 15000, 500):
        step_size = 0.05 if start < 5000 else 0.2
        sgd.advance(problem, SGD(step_size, batch_size=50), ensemble, weights, start, 500)
        digest.update(weights.tobytes() + problem.gradient(weights).tobytes())
    assert 0 < abs(weights).max() < 1e-45
print(digest.hexdigest())
"""


@functools.cache
def host_bits() -> str:
    return output(_RUN, *PRECISIONS)


@pytest.mark.parametrize(("processor", "features"), PROCESSORS)
def test_instruction_sets_give_the_same_bits(processor, features):
    assert output_of(processor, features, _RUN, *PRECISIONS) == host_bits()


def test_fresh_machine_code_gives_the_bits_of_kept_machine_code(tmp_path):
    fresh = output(_RUN, *PRECISIONS, NUMBA_CACHE_DIR=str(tmp_path))
    assert any(tmp_path.iterdir())
    assert fresh == host_bits()


def test_tiles_depend_on_the_network_alone_and_hold_whole_blocks():
    for width in (1, 8, 20, 30, 72, 82, 1000):
        for itemsize in (4, 8):
            tile = tile_size(width, 6, itemsize)
            assert tile % BLOCK == 0
            assert tile >= LANES
    assert tile_size(30, 6, 4) == tile_size(30, 6, 4) != tile_size(72, 6, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_memory_begins_at_cache_lines(dtype):
    for size in (1, 7, 64, 1000):
        array = aligned(size, dtype)
        assert (array.size, array.dtype, array.ctypes.data % CACHE_LINE) == (size, dtype, 0)
        assert not array.any()
