"""Speed of this machine: its time for a few pieces of work over that of the reference core."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from quench.config.sections import Scenario
from quench.cost import speed
from quench.dynamics.choices import SGD, Ensemble, backend_for

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
    import importlib

    from quench.networks.mlp import Architecture, initial_weights

    backend = backend_for(scenario.compute.backend, "cpu")
    problem_of = importlib.import_module(f"quench.dynamics.{backend}.problem").Problem
    sgd = importlib.import_module(f"quench.dynamics.{backend}.sgd").advance
    rng, ratios = np.random.default_rng(0), []
    sections = {(s.width, s.depth, s.sgd.batch_size, s.dataset): s for s in scenario.ensembles.values()}
    for (width, depth, batch_size, dataset), _ in list(sections.items())[:4]:
        data = scenario.data[dataset]
        samples = min(data.subset or 5000, 5000)
        x = rng.normal(size=(samples, data.components)).astype(np.float32)
        problem = problem_of(
            x, np.where(x[:, 0] > 0, 1, -1).astype(np.int8), Architecture(data.components, width, depth)
        )
        weights = initial_weights(problem.architecture, 0)[None]
        for size in {min(batch_size, samples), samples}:

            def update(count: int, size=size, problem=problem, weights=weights) -> None:
                sgd(problem, SGD(step_size=1e-6, batch_size=size), Ensemble([0], 1, 0.0), weights.copy(), 0, count)

            ratios.append(_seconds(update) / speed.gradient(weights.size, width, size, backend))
    return float(np.exp(np.mean(np.log(ratios))))


def _torch() -> float:
    """Time of updates of a fully connected and a convolutional classifier on random images, over the model's."""
    import torch

    from quench.config.classifiers import Classifier
    from quench.networks.zoo import Images, build

    ratios = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for model, batch_size in (("B", 10), ("C", 10)):
        network = build(model, Images(1, 28, 10), 0)
        x = network.prepared(torch.zeros(batch_size, 1, 28, 28))
        y = torch.zeros(batch_size, dtype=torch.long)

        def update(count: int, network=network, x=x, y=y) -> None:
            for _ in range(count):
                network.descend(x, y, 1e-6)

        section = Classifier(model=model, batch_size=batch_size, rate=0.1, steps=2)
        ratios.append(_seconds(update) / speed.Model(section).step(batch_size))
    torch.set_num_threads(threads)
    return float(np.exp(np.mean(np.log(ratios))))


def _seconds(update: Callable[[int], None]) -> float:
    """Processor time of one update; ``update(count)`` makes ``count`` of them."""
    update(1)
    count = 1
    while True:
        began = time.thread_time()
        update(count)
        taken = time.thread_time() - began
        if taken >= _PIECE_SECONDS:
            return taken / count
        count *= 4
