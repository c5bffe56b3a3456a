"""Training of BJ's networks beside a plain torch loop, D beside a loop over samples, and what measuring costs.

python benchmarks/classifiers.py [--repeats 7]

Processor time of one thread, medians of interleaved repeats, so that a busy machine slows both sides alike: the ratios
are reliable.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from quench.dynamics.batches import DataOrder
from quench.dynamics.minibatch import ClassifierRecorder, Descent
from quench.dynamics.schedule import log_spaced
from quench.dynamics.trajectory import Leg, follow
from quench.dynamics.two_time import TwoTimeSchedule
from quench.networks.zoo import Images, build
from quench.observables import noise
from quench.observables.probe import Probe

DIGITS, PICTURES = Images(1, 28, 10), Images(3, 32, 10)
CASES = (("B", DIGITS, 10), ("B", DIGITS, 128), ("C", DIGITS, 10), ("C", PICTURES, 100))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    for name, images, batch_size in CASES:
        ours, plain = training_pair(name, images, batch_size)
        a, b = medians((ours, plain), repeats, 50)
        print(f"{name}, B = {batch_size:3}: {a * 1e6:7.0f} us an update, plain loop {b * 1e6:7.0f}: {b / a:.2f} x")
    for name, images, count in (("B", DIGITS, 2000), ("C", DIGITS, 500)):
        ours, loop = noise_pair(name, images, count)
        a, b = medians((ours, loop), repeats, 1)
        print(f"{name}, D of {count} samples: {a * 1e3:7.1f} ms, loop over samples {b * 1e3:7.1f}: {b / a:.1f} x")
    for name, images, batch_size, count, steps in (("B", DIGITS, 10, 2000, 500_000), ("C", DIGITS, 10, 1000, 200_000)):
        train, measure, rest = overhead(name, images, batch_size, count, steps)
        print(
            f"{name}, {steps:,} updates: training {train:.1f} s; measuring adds {measure / train:.1%},"
            f" displacements {rest / train:.1%}"
        )


def samples(network, images: Images, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, images.channels, images.side, images.side, generator=generator)
    return network.prepared(x), torch.randint(0, images.classes, (count,), generator=generator)


def training_pair(name: str, images: Images, batch_size: int) -> tuple[Callable, Callable]:
    network, other = build(name, images, 0), build(name, images, 0)
    x, y = samples(network, images, 2000)
    descent = Descent(network, x, y, DataOrder(2000, batch_size, 0, 1), 0.01)
    steps = iter(range(10**9))
    raw = x.reshape(2000, images.channels, images.side, images.side).contiguous()
    optimiser = torch.optim.SGD(other.module.parameters(), lr=0.01)
    order = torch.randperm(2000).split(batch_size)

    def plain() -> None:
        batch = order[next(steps) % (len(order) - 1)]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(other.module(raw[batch]), y[batch]).backward()
        optimiser.step()

    return lambda: descent.update(next(steps)), plain


def noise_pair(name: str, images: Images, count: int) -> tuple[Callable, Callable]:
    network = build(name, images, 0)
    x, y = samples(network, images, count)

    def loop() -> None:
        square, total = 0.0, torch.zeros(network.n_weights, dtype=torch.float64)
        for s in range(count):
            network.gradient.zero_()
            network.loss(network.module(x[s : s + 1]), y[s : s + 1]).backward()
            square += network.gradient.double().square().sum().item()
            total += network.gradient

    return lambda: noise.exact(network, x, y), loop


def overhead(name: str, images: Images, batch_size: int, count: int, steps: int) -> tuple[float, float, float]:
    """Seconds of a complete run spent on updates, on losses and noise, and on displacements."""
    network = build(name, images, 0)
    train, test = samples(network, images, count), samples(network, images, 500)
    descent = Descent(network, *train, DataOrder(count, batch_size, 0, 1), 1e-3)
    schedule = TwoTimeSchedule(steps)
    spent = {"measure": 0.0, "record": 0.0}
    probe = Probe(train, test, batch_size=batch_size, seed=0)

    def measure(net, step):
        began = time.process_time()
        found = probe(net, step)
        spent["measure"] += time.process_time() - began
        return found

    measure_at = np.concatenate([[0], log_spaced(1, steps, 8), schedule.waiting_times])
    recorder = ClassifierRecorder(descent, schedule, measure_at, measure)

    def record(state):
        began = time.process_time()
        recorder.record(state)
        spent["record"] += time.process_time() - began

    began = time.process_time()
    follow(descent.state(), [Leg("sgd", steps, descent.advance)], recorder.times.tolist(), record)
    whole = time.process_time() - began
    return whole - spent["record"], spent["measure"], spent["record"] - spent["measure"]


def medians(functions: tuple[Callable, ...], repeats: int, calls: int) -> list[float]:
    """Median seconds a call of each function, repeats interleaved."""
    times: list[list[float]] = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(repeats):
        for row, function in zip(times, functions, strict=True):
            began = time.process_time()
            for _ in range(calls):
                function()
            row.append((time.process_time() - began) / calls)
    return [statistics.median(row) for row in times]


if __name__ == "__main__":
    main()
