"""The same bits of fused classifiers, and of a whole training with its measurements, from AVX2 and AVX-512 code."""

from __future__ import annotations

import os
import sys

import pytest
from instruction_sets import PROCESSORS, output, output_of

pytestmark = pytest.mark.slow

# Whole and broken vectors, register rectangles, pieces of rows and tiles of samples; products that are subnormal.
_RUN = """
import hashlib
import sys
import numpy as np
from quench.dynamics.fused.dense.network import LOSSES, Batches, Network
from quench.numerics.random import integers, normals

digest = hashlib.sha256()
for precision in sys.argv[1:]:
    for sizes in ((784, 20, 10), (49, 13, 6, 7), (900, 5, 3), (3, 2)):
        for loss in LOSSES:
            network = Network(sizes, loss, precision)
            for scale, size, sampling, momentum in (
                (0.3, 10, "epoch", 0), (0.1, 37, "iid", 0.5), (1, 150, "iid", 0), (1e-15, 4, "epoch", 0)
            ):
                images = (scale * normals(1, 1, 0, 200 * sizes[0])).reshape(200, -1).astype(precision)
                classes = integers(1, 2, 0, 200, sizes[-1])
                weights = scale * normals(1, 3, 0, network.n_weights).astype(precision)
                velocity = np.zeros_like(weights)
                batches = Batches(sampling, 1, 2, size, -(-200 // size))
                network.descend(
                    weights, images, classes, batches,
                    rate=1e-2, momentum=momentum, velocity=velocity, first_step=0, n_steps=30,
                )
                assert np.isfinite(weights).all()
                for result in (weights, velocity, *network.measure(weights, images, classes, gradients=True)):
                    digest.update(result.tobytes())
print(digest.hexdigest())
"""


# Everything in the file of a training; torch, which is imported too, takes no part in it.
_TRAINING = """
import hashlib
import numpy as np
from quench.observables.classifier_training import trajectory
from tiny_classifier import task

for model in ("A", "B"):
    widths = (37,) if model == "A" else (6, 5)
    training = trajectory(task(model=model, widths=widths, sampling="iid"), 1).follow()
    for name in sorted(training.variables):
        print(model, name, hashlib.sha256(np.ascontiguousarray(training[name].values).tobytes()).hexdigest())
"""


def test_instruction_sets_give_the_same_bits():
    here = output(_RUN, "float32", "float64")
    for processor, features in PROCESSORS:
        assert output_of(processor, features, _RUN, "float32", "float64") == here


def test_a_whole_training_has_the_same_bits():
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    here = output(_TRAINING, **path)
    for (processor, features), capability in zip(PROCESSORS, ("default", "avx2"), strict=True):
        assert output_of(processor, features, _TRAINING, ATEN_CPU_CAPABILITY=capability, **path) == here
