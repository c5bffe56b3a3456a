"""Growth of time with samples, width, networks, steps and cores, and the rate of each kernel against the machine's limit.

    python benchmarks/scaling.py [--rounds 5] [--clock cpu] [--write docs/performance.md]

Sizes of one series take turns in every round; the exponent is the slope of log time against log size, the median over
rounds. The limit of arithmetic is NumPy's float32 matrix product; that of memory is the sum of two arrays that fit no
cache, at 3 transfers per element. Both are measured in turns with the kernel. Only the wall's clock has a series over cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import between_markers
import engine
import numpy as np

from quench.dynamics.fused import langevin, sgd
from quench.dynamics.fused.dense.network import Batches, Network
from quench.dynamics.fused.problem import Problem
from quench.networks.mlp import Architecture
from quench.numerics.random import normals
from quench.observables.accumulator import TwoTimeObservables

MARKERS = ("<!-- scaling: begin -->", "<!-- scaling: end -->")
WIDTH, SAMPLES = 30, 2000


def problem(width: int = WIDTH, samples: int = SAMPLES, threads: int = 1) -> Problem:
    return Problem(*engine.data(samples), Architecture(engine.INPUTS, width, engine.DEPTH), threads=threads)


def steps(
    width: int = WIDTH, samples: int = SAMPLES, networks: int = 1, count: int = 20, threads: int = 1
) -> Callable[[], None]:
    """``count`` Langevin steps of ``networks`` networks whose samples are all active."""
    known = problem(width, samples, threads)
    return engine.engine_langevin(langevin.advance, known, engine.small(known.architecture, networks), count)


def series(cores: int, clock: str) -> Iterator[tuple[str, str, float, dict[float, Callable[[], None]]]]:
    """Name, sizes in words, expected exponent, and a run for each size."""
    samples = (1000, 4000, 16_000, 60_000)
    yield "samples P_D", "1,000 … 60,000, n = 30", 1, {size: steps(samples=size) for size in samples}
    widths = {width: problem(width).architecture.n_weights for width in (10, 20, 40, 80)}
    runs = {float(weights): steps(width=width) for width, weights in widths.items()}
    yield "weights N, by the width", "n = 10 … 80, P_D = 2,000", 1, runs
    yield "networks", "1 … 8, one core", 1, {size: steps(networks=size) for size in (1, 2, 4, 8)}
    yield "steps t_max", "20 … 320", 1, {size: steps(count=size) for size in (20, 80, 320)}
    threads = sorted({1, max(1, cores // 2), cores})
    if len(threads) > 1 and clock == "wall":
        runs = {size: steps(networks=2 * cores, threads=size, samples=16_000) for size in threads}
        yield "cores", f"{threads[0]} … {cores}, {2 * cores} networks", -1, runs


def exponents(rounds: int, clock: str) -> Iterator[str]:
    for name, sizes, expected, runs in series(os.cpu_count() or 1, clock):
        seconds = engine.turns(runs, rounds, clock)
        slopes = np.polyfit(np.log(list(runs)), np.log(np.array(list(seconds.values()))), 1)[0]
        yield f"| {name} | {sizes} | {expected:g} | {np.median(slopes):.2f} ({slopes.min():.2f}–{slopes.max():.2f}) |"


def kernels() -> Iterator[tuple[str, str, float, Callable[[], None]]]:
    """Name, limit, work of a run (operations or bytes), and the run."""
    known = problem(samples=60_000)
    weights = engine.small(known.architecture)
    work = 6 * known.architecture.n_weights
    descent = engine.engine_langevin(langevin.advance, known, weights.copy(), 4)
    yield "Langevin step, n = 30, P_D = 60,000", "arithmetic", 4 * 60_000 * work, descent
    batches = engine.engine_sgd(sgd.advance, known, weights.copy(), 1000)
    yield "SGD update, n = 30, B = 100", "arithmetic", 1000 * engine.BATCH * work, batches
    for sizes, batch, limit in (((784, 100, 100, 10), 10, "arithmetic"), ((3072, 4000, 10), 10, "memory")):
        network = Network(sizes, "negative log-likelihood", "float32")
        # Weights are read twice and written once.
        unit = 6 * batch if limit == "arithmetic" else 3 * 4
        name = f"update of {' → '.join(map(str, sizes))}, B = {batch}"
        yield name, limit, 20 * unit * network.n_weights, classifier(network, sizes, batch)
    snapshots = np.random.default_rng(0).normal(size=(8, 1, 1_000_000)).astype(np.float32)
    yield "displacements, overlap and motility, N = 10⁶", "memory", 7 * 2 * 4 * 1_000_000, two_times(snapshots)


def classifier(network: Network, sizes: Sequence[int], batch: int) -> Callable[[], None]:
    """20 updates."""
    images = normals(1, 1, 0, 200 * sizes[0]).reshape(200, -1).astype(np.float32)
    classes = np.arange(200) % sizes[-1]
    weights = 0.01 * normals(1, 3, 0, network.n_weights).astype(np.float32)
    order, still = Batches("epoch", 1, 2, batch, 200 // batch), np.zeros_like(weights)
    return lambda: network.descend(
        weights, images, classes, order, rate=1e-4, momentum=0, velocity=still, first_step=0, n_steps=20
    )


def two_times(snapshots: np.ndarray) -> Callable[[], None]:
    """One waiting time and seven lags of one network."""

    def run() -> None:
        measured = TwoTimeObservables([0], np.arange(len(snapshots)), np.array([1]), np.full((1, 1), 0.1), None)
        for time, weights in enumerate(snapshots):
            measured.record(time, weights=weights)

    return run


def array_sum() -> Callable[[], None]:
    a, b, c = np.ones((3, 1 << 25), np.float32)
    return lambda: np.add(a, b, out=c)


def limits(rounds: int, clock: str) -> Iterator[str]:
    measures = {"arithmetic": (engine.matrix_product(), 2 * 2048**3), "memory": (array_sum(), 3 * 4 * (1 << 25))}
    units = {"arithmetic": "GFLOP/s", "memory": "GB/s"}
    for name, limit, work, run in kernels():
        bound, its_work = measures[limit]
        seconds = engine.turns({"kernel": run, "limit": bound}, rounds, clock)
        rate, peak = work / seconds["kernel"] / 1e9, its_work / seconds["limit"] / 1e9
        share = f"{np.median(rate):.3g} of {np.median(peak):.3g} {units[limit]} = {np.median(rate / peak):.0%}"
        yield f"| {name} | {limit} | {share} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times that all sizes of a series take turns")
    parser.add_argument("--clock", choices=engine.CLOCKS, default="wall", help="cpu leaves out waiting for a core")
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this file")
    arguments = parser.parse_args()
    rounds, clock = arguments.rounds, arguments.clock
    lines = [f"{engine.machine()}; {rounds} rounds, {clock} time; load {os.getloadavg()[0]:.1f} at the start", ""]
    tables = {
        "| time of Langevin dynamics against | sizes | expected exponent | measured |\n| --- | --- | --- | --- |": exponents,
        "\n| kernel, one core | limit | rate against the limit |\n| --- | --- | --- |": limits,
    }
    for head, rows in tables.items():
        lines.append(head)
        for row in rows(rounds, clock):
            lines.append(row)
            print(row, file=sys.stderr, flush=True)
    report = "\n".join(lines)
    print(report)
    if arguments.write:
        between_markers.write(arguments.write, MARKERS, report)


if __name__ == "__main__":
    main()
