"""Speed of this machine: its time for a few pieces of work over that of the reference core."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from quench.config.classifiers import Classifier
from quench.config.sections import Scenario
from quench.cost import speed
from quench.dynamics.batches import DataOrder
from quench.dynamics.choices import SGD, Ensemble, backend_for, classifier_backend
from quench.networks.mlp import Architecture, initial_weights
from quench.networks.models import MODELS

# Libraries that most processes load, and their core seconds on the reference core.
_IMPORTS, _IMPORT_SECONDS = "import torch, xarray, netCDF4, scipy.special, numba", 3.3
_PIECE_SECONDS = 0.15


def speeds(scenario: Scenario) -> dict[str, float]:
    """Time on this machine over that of the model, for each kind of work and for the ``start`` of processes.

    Measured in processor time of one core, so that other load hardly matters; takes a few seconds.
    """
    # The first import also reads the libraries from disk.
    start = min(_imports(), _imports()) / _IMPORT_SECONDS
    engine = _engine(scenario) if scenario.ensembles else start
    torch = _torch() if scenario.classifiers else start
    return {"start": start, "engine": engine, "torch": torch, "data": start, "figure": start, "light": start}


def _imports() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-W", "ignore", "-c", _IMPORTS], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _engine(scenario: Scenario) -> float:
    """Time of updates of the scenario's networks, with small and full batches of random data, over the model's."""
    backend = backend_for(scenario.compute.backend, "cpu")
    sections = {(one.width, one.depth, one.sgd.batch_size, one.dataset): one for one in scenario.ensembles.values()}
    ratios = []
    for width, depth, batch_size, dataset in list(sections)[:4]:
        data = scenario.data[dataset]
        samples = min(data.subset or 5000, 5000)
        architecture = Architecture(data.components, width, depth)
        ratios += [_update(architecture, samples, size, backend) for size in {min(batch_size, samples), samples}]
    return float(np.exp(np.mean(np.log(ratios))))


def _update(architecture: Architecture, samples: int, batch_size: int, backend: str) -> float:
    """Time of one update of one network over the model's."""
    x = np.random.default_rng(0).normal(size=(samples, architecture.inputs)).astype(np.float32)
    problem_of = importlib.import_module(f"quench.dynamics.{backend}.problem").Problem
    problem = problem_of(x, np.where(x[:, 0] > 0, 1, -1).astype(np.int8), architecture)
    advance = importlib.import_module(f"quench.dynamics.{backend}.sgd").advance
    weights, how = initial_weights(architecture, 0)[None], SGD(step_size=1e-6, batch_size=batch_size)

    def update(count: int) -> None:
        advance(problem, how, Ensemble([0], 1, 0.0), weights.copy(), 0, count)

    return _seconds(update) / speed.gradient(weights.size, architecture.width, batch_size, backend)


def _torch() -> float:
    """Time of updates of a fully connected and a convolutional classifier, as each is trained, over the model's."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ratios = [_descent(model, 10) for model in ("B", "C")]
    torch.set_num_threads(threads)
    return float(np.exp(np.mean(np.log(ratios))))


def _descent(model: str, batch_size: int) -> float:
    """Time of one update of a classifier, by the backend that trains it on a CPU, over the model's."""
    import torch

    from quench.dynamics.minibatch import descent
    from quench.networks.zoo import Images, build

    network, backend = build(model, Images(1, 28, 10), 0), classifier_backend("auto", "cpu", MODELS[model].kind)
    x, y = torch.zeros(10 * batch_size, 1, 28, 28), torch.zeros(10 * batch_size, dtype=torch.long)
    updates = descent(backend, network, network.prepared(x), y, DataOrder(len(y), batch_size, 0, 1), 1e-6)
    state = updates.state()
    section = Classifier(model=model, batch_size=batch_size, rate=0.1, steps=2)
    return _seconds(lambda count: updates.advance(state.weights, 0, count)) / speed.Model(section, backend).step(
        batch_size
    )


def _seconds(update: Callable[[int], object]) -> float:
    """Processor time of one update; ``update(count)`` makes ``count`` of them."""
    update(1)
    count = 1
    while True:
        began = time.process_time()
        update(count)
        taken = time.process_time() - began
        if taken >= _PIECE_SECONDS:
            return taken / count
        count *= 4
