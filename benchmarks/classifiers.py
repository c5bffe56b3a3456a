"""Training of BJ's networks on both backends beside a plain torch loop, D beside a loop over samples, cost of measuring.

python benchmarks/classifiers.py [--repeats 7]

Processor time of one thread, medians of interleaved repeats, so that a busy machine slows all sides alike: the ratios
are reliable. The peak is NumPy's float32 matrix product.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from quench.dynamics.batches import DataOrder
from quench.dynamics.fused.minibatch import FusedClassifier
from quench.dynamics.minibatch import ClassifierRecorder, descent
from quench.dynamics.schedule import log_spaced
from quench.dynamics.trajectory import Leg, follow
from quench.dynamics.two_time import TwoTimeSchedule
from quench.networks.models import MODELS
from quench.networks.zoo import Images, build
from quench.observables import noise
from quench.observables.probe import Probe

DIGITS, HALF, QUARTER, PICTURES = Images(1, 28, 10), Images(1, 14, 10), Images(1, 7, 10), Images(3, 32, 10)
# Model, images, widths (None: the paper's), batch size; what the scenarios train, and the paper's A.
CASES = (
    ("B", DIGITS, None, 10),
    ("B", DIGITS, None, 128),
    ("A", HALF, (500,), 10),
    ("A", QUARTER, (20,), 10),
    ("A-under", QUARTER, None, 10),
    ("A-under", QUARTER, None, 100),
    ("B", QUARTER, (20, 20), 10),
    ("A", PICTURES, (1_000,), 100),
    ("A", PICTURES, (10_000,), 10),
    ("C", DIGITS, None, 10),
    ("C", PICTURES, None, 100),
)
SAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print("| an update | fused | torch | plain loop | torch / fused | plain / fused | fused against the peak |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        print(row(case, repeats), flush=True)
    for name, images, count in (("B", DIGITS, 2000), ("C", DIGITS, 500)):
        ours, loop = noise_pair(name, images, count)
        a, b = medians((ours, loop), repeats)
        print(f"{name}, D of {count} samples: {a * 1e3:7.1f} ms, loop over samples {b * 1e3:7.1f}: {b / a:.1f} x")
    for name, images, batch_size, count, steps in (("B", DIGITS, 10, 2000, 500_000), ("C", DIGITS, 10, 1000, 200_000)):
        train, measure, rest = overhead(name, images, batch_size, count, steps)
        print(
            f"{name}, {steps:,} updates: training {train:.1f} s; measuring adds {measure / train:.1%},"
            f" displacements {rest / train:.1%}"
        )


def row(case: tuple, repeats: int) -> str:
    """One row of the table; torch in the column of the fused engine where that does not support the model."""
    model, images, widths, batch_size = case
    backends = ("fused", "reference") if MODELS[model].kind == "dense" else ("reference",)
    network = build(model, images, 0, widths=widths)
    updates = [on_backend(backend, case) for backend in backends]
    times = medians([*updates, plain_loop(case), matrix_product], repeats, 0.3)
    *ours, plain, product = times
    title = f"{model} on {images.pixels} inputs, widths {widths or MODELS[model].widths}, B = {batch_size}"
    cells = [f"{seconds * 1e6:,.1f} µs" for seconds in (*ours, plain)]
    if len(ours) == 1:
        return f"| {title} | | {' | '.join(cells)} | | {plain / ours[0]:.2f} × of torch | |"
    # Forward and the gradient of all weights, backward through all but the first layer.
    first = images.pixels * (widths or MODELS[model].widths)[0]
    work = batch_size * (6 * network.n_weights - 2 * first) / ours[0]
    share = work / (2 * MATRIX**3 / product)
    return f"| {title} | {' | '.join(cells)} | {ours[1] / ours[0]:.2f} × | {plain / ours[0]:.2f} × | {share:.0%} |"


MATRIX = 1024
_MATRICES = np.ones((2, MATRIX, MATRIX), np.float32)


def matrix_product() -> None:
    np.matmul(*_MATRICES)


def samples(network, images: Images, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, images.channels, images.side, images.side, generator=generator)
    return network.prepared(x), torch.randint(0, images.classes, (count,), generator=generator)


def on_backend(backend: str, case: tuple) -> Callable[[], None]:
    """One update, out of the middle of a long stretch."""
    model, images, widths, batch_size = case
    network = build(model, images, 0, widths=widths)
    updates = descent(backend, network, *samples(network, images, SAMPLES), DataOrder(SAMPLES, batch_size, 0, 1), 1e-3)
    return Stretch(updates)


class Stretch:
    """Updates of ``descent``, as many at once as are asked for."""

    def __init__(self, updates) -> None:
        self.updates, self.state = updates, updates.state()

    def __call__(self, n: int = 1) -> None:
        self.updates.advance(self.state.weights, self.state.step, n)
        self.state.step += n


def plain_loop(case: tuple) -> Callable[[], None]:
    """Updates as one would write them in torch."""
    model, images, widths, batch_size = case
    network = build(model, images, 0, widths=widths)
    x, y = samples(network, images, SAMPLES)
    raw = x.reshape(SAMPLES, images.channels, images.side, images.side).contiguous()
    optimiser = torch.optim.SGD(network.module.parameters(), lr=1e-3)
    order, steps = torch.randperm(SAMPLES).split(batch_size), iter(range(10**9))

    def update() -> None:
        batch = order[next(steps) % (SAMPLES // batch_size)]
        optimiser.zero_grad()
        network.loss(network.module(raw[batch]), y[batch]).backward()
        optimiser.step()

    return update


def noise_pair(name: str, images: Images, count: int) -> tuple[Callable, Callable]:
    network = build(name, images, 0)
    x, y = samples(network, images, count)
    measured = FusedClassifier(network) if MODELS[name].kind == "dense" else network

    def loop() -> None:
        square, total = 0.0, torch.zeros(network.n_weights, dtype=torch.float64)
        for s in range(count):
            network.gradient.zero_()
            network.loss(network.module(x[s : s + 1]), y[s : s + 1]).backward()
            square += network.gradient.double().square().sum().item()
            total += network.gradient

    return lambda: noise.exact(measured, x, y), loop


def overhead(name: str, images: Images, batch_size: int, count: int, steps: int) -> tuple[float, float, float]:
    """Seconds of a complete run spent on updates, on losses and noise, and on displacements."""
    network = build(name, images, 0)
    train, test = samples(network, images, count), samples(network, images, 500)
    backend = "fused" if MODELS[name].kind == "dense" else "reference"
    updates = descent(backend, network, *train, DataOrder(count, batch_size, 0, 1), 1e-3)
    schedule = TwoTimeSchedule(steps)
    spent = {"measure": 0.0, "record": 0.0}
    probe = Probe(train, test, batch_size=batch_size, seed=0)

    def measure(net, step):
        began = time.process_time()
        found = probe(net, step)
        spent["measure"] += time.process_time() - began
        return found

    measure_at = np.concatenate([[0], log_spaced(1, steps, 8), schedule.waiting_times])
    recorder = ClassifierRecorder(updates, schedule, measure_at, measure)

    def record(state):
        began = time.process_time()
        recorder.record(state)
        spent["record"] += time.process_time() - began

    began = time.process_time()
    follow(updates.state(), [Leg("sgd", steps, updates.advance)], recorder.times.tolist(), record)
    whole = time.process_time() - began
    return whole - spent["record"], spent["measure"], spent["record"] - spent["measure"]


def medians(functions: Sequence[Callable], repeats: int, seconds: float = 0.0) -> list[float]:
    """Median processor seconds of a call of each function, repeats interleaved; so many calls that they take ``seconds``."""
    calls = []
    for function in functions:
        function()
        began = time.process_time()
        function()
        calls.append(max(1, int(seconds / max(time.process_time() - began, 1e-6))))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for row, function, n in zip(times, functions, calls, strict=True):
            began = time.process_time()
            if isinstance(function, Stretch):
                function(n)
            else:
                for _ in range(n):
                    function()
            row.append((time.process_time() - began) / n)
    return [statistics.median(row) for row in times]


if __name__ == "__main__":
    main()
