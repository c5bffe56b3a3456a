"""How fast training is: a naive torch loop, the reference backend, the fused engine and the machine's matrix product.

    python benchmarks/engine.py [--rounds 7] [--clock cpu] [--write docs/performance.md]

All competitors take turns in every round, on one core; ratios are taken within a round and their median over rounds is
reported, so that a busy machine blurs them less. One network is trained at a time, as the naive loop does. GFLOP/s
count 6 N P operations for a full-batch step of N weights and P samples (2 forwards, 4 backwards). The peak is NumPy's
float32 matrix product, with OpenBLAS left to choose its kernel. On a machine that others use, ``--clock cpu`` leaves
out the time in which a competitor waits for a core (but not what sharing caches and clocks costs; and the gain from
threads is only to be had on the wall's clock).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The number of threads must be set before the libraries are loaded.
for _name in [name for name in os.environ if name.startswith("OPENBLAS_")]:
    del os.environ[_name]
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import between_markers  # noqa: E402
import numba  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from quench.dynamics.choices import SGD, Ensemble, Langevin  # noqa: E402
from quench.dynamics.fused import langevin, sgd  # noqa: E402
from quench.dynamics.fused.problem import Problem  # noqa: E402
from quench.dynamics.reference import langevin as reference_langevin  # noqa: E402
from quench.dynamics.reference import sgd as reference_sgd  # noqa: E402
from quench.dynamics.reference.problem import Problem as ReferenceProblem  # noqa: E402
from quench.networks.mlp import Architecture, initial_weights  # noqa: E402

MARKERS = ("<!-- measured: begin -->", "<!-- measured: end -->")
INPUTS, DEPTH = 10, 6
STEP_SIZE, TEMPERATURE, RATE, BATCH = 1e-6, 1e-4, 1e-6, 100

_FIRST_CALL = """
import time
import numpy as np  # noqa: E402
from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.fused import langevin
from quench.dynamics.fused.problem import Problem
from quench.networks.mlp import Architecture, initial_weights
began = time.{clock}()
architecture = Architecture(10, 30, 6)
problem = Problem(np.ones((1000, 10)), np.ones(1000), architecture)
weights = initial_weights(architecture, 0)[None]
langevin.advance(problem, Langevin(1e-3, 1e-3), Ensemble([1], 2, 0.0), weights, 0, 1)
print(time.{clock}() - began)
"""


def data(n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of the size of MNIST's first ten principal components."""
    rng = np.random.default_rng(0)
    return rng.normal(scale=5, size=(n_samples, INPUTS)).astype(np.float32), rng.choice([-1, 1], n_samples)


def naive_model(architecture: Architecture, weights: np.ndarray) -> torch.nn.Sequential:
    """What a user writes first."""
    layers: list[torch.nn.Module] = []
    offsets = architecture.offsets
    for i, (outputs, inputs) in enumerate(architecture.shapes):
        layer = torch.nn.Linear(inputs, outputs, bias=False)
        matrix = weights[offsets[i] : offsets[i + 1]].reshape(outputs, inputs)
        layer.weight.data = torch.as_tensor(matrix, dtype=torch.float32)
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def naive_step(model: torch.nn.Module, optimiser: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss = 0.5 * torch.relu(1 - y * model(x).squeeze(1)).square().mean()
    loss.backward()
    optimiser.step()


def naive_langevin(
    architecture: Architecture, weights: np.ndarray, x: np.ndarray, y: np.ndarray, n_steps: int
) -> Callable:
    model = naive_model(architecture, weights)
    optimiser = torch.optim.SGD(model.parameters(), lr=STEP_SIZE)
    features, labels = torch.as_tensor(x), torch.as_tensor(y, dtype=torch.float32)
    amplitude = (2 * STEP_SIZE * TEMPERATURE / len(x)) ** 0.5

    def run() -> None:
        for _ in range(n_steps):
            naive_step(model, optimiser, features, labels)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=amplitude)

    return run


def naive_sgd(architecture: Architecture, weights: np.ndarray, x: np.ndarray, y: np.ndarray, n_steps: int) -> Callable:
    model = naive_model(architecture, weights)
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    features, labels = torch.as_tensor(x), torch.as_tensor(y, dtype=torch.float32)

    def run() -> None:
        order = torch.randperm(len(x))
        for step in range(n_steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            naive_step(model, optimiser, features[batch], labels[batch])

    return run


def engine_langevin(advance: Callable, problem, weights: np.ndarray, n_steps: int) -> Callable:
    ensemble = Ensemble(range(len(weights)), stream=1, weight_decay=0.0)
    return lambda: advance(problem, Langevin(STEP_SIZE, TEMPERATURE), ensemble, weights, 0, n_steps)


def engine_sgd(advance: Callable, problem, weights: np.ndarray, n_steps: int) -> Callable:
    ensemble = Ensemble(range(len(weights)), stream=1, weight_decay=0.0)
    return lambda: advance(problem, SGD(RATE, BATCH), ensemble, weights, 0, n_steps)


def matrix_product(size: int = 2048) -> Callable:
    a, out = np.ones((size, size), np.float32), np.empty((size, size), np.float32)
    return lambda: np.matmul(a, a, out=out)


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def timed(run: Callable, clock: str) -> float:
    began = CLOCKS[clock]()
    run()
    return CLOCKS[clock]() - began


def turns(competitors: dict[str, Callable], rounds: int, clock: str = "wall") -> dict[str, np.ndarray]:
    """Seconds (round) of every competitor, after one call each to warm up."""
    for run in competitors.values():
        run()
    return {
        name: np.array(times)
        for name, times in zip(
            competitors,
            zip(*[[timed(run, clock) for run in competitors.values()] for _ in range(rounds)], strict=True),
            strict=True,
        )
    }


def small(architecture: Architecture, networks: int = 1) -> np.ndarray:
    """Weights so small that f is nearly 0: every sample is active."""
    return 0.02 * np.stack([initial_weights(architecture, seed) for seed in range(networks)])


def full_batch(width: int, n_samples: int, rounds: int, clock: str) -> str:
    architecture = Architecture(INPUTS, width, DEPTH)
    x, y = data(n_samples)
    weights = small(architecture)
    flops = 6 * architecture.n_weights * n_samples
    steps = {"naive": 1.5e10, "reference": 1.5e10, "fused": 5e10}
    steps = {name: max(1, round(work / flops)) for name, work in steps.items()}
    problem, reference = Problem(x, y, architecture), ReferenceProblem(x, y, architecture)
    assert problem.loss(weights)[1][0] == 1
    seconds = turns(
        {
            "naive": naive_langevin(architecture, weights[0], x, y, steps["naive"]),
            "reference": engine_langevin(reference_langevin.advance, reference, weights.copy(), steps["reference"]),
            "fused": engine_langevin(langevin.advance, problem, weights.copy(), steps["fused"]),
            "peak": matrix_product(),
        },
        rounds,
        clock,
    )
    step = {name: seconds[name] / count for name, count in steps.items()}
    rate, peak = flops / step["fused"] / 1e9, 2 * 2048**3 / seconds["peak"] / 1e9
    return (
        f"| Langevin, n = {width}, P = {n_samples:,} | {ms(step['naive'])} | {ms(step['reference'])} | {ms(step['fused'])} "
        f"| {np.median(rate):.0f} of {np.median(peak):.0f} GFLOP/s = {np.median(rate / peak):.0%} "
        f"| {ratio(step['naive'] / step['fused'])} |"
    )


def minibatch(width: int, rounds: int, clock: str) -> str:
    architecture = Architecture(INPUTS, width, DEPTH)
    x, y = data(60_000)
    weights = small(architecture)
    steps = {"naive": 200, "reference": 200, "fused": 600}
    problem, reference = Problem(x, y, architecture), ReferenceProblem(x, y, architecture)
    seconds = turns(
        {
            "naive": naive_sgd(architecture, weights[0], x, y, steps["naive"]),
            "reference": engine_sgd(reference_sgd.advance, reference, weights.copy(), steps["reference"]),
            "fused": engine_sgd(sgd.advance, problem, weights.copy(), steps["fused"]),
        },
        rounds,
        clock,
    )
    step = {name: seconds[name] / count for name, count in steps.items()}
    rate = 6 * architecture.n_weights * BATCH / step["fused"] / 1e9
    return (
        f"| SGD, batch {BATCH}, n = {width} | {us(step['naive'])} | {us(step['reference'])} | {us(step['fused'])} "
        f"| {np.median(rate):.0f} GFLOP/s | {ratio(step['naive'] / step['fused'])} |"
    )


def compaction(share: float, rounds: int, clock: str) -> str:
    """The same network on data of which all, or a share, is active."""
    architecture = Architecture(INPUTS, 30, DEPTH)
    x, y = data(60_000)
    sure = small(architecture) * 100
    sure[:, architecture.offsets[-2] :] *= 1e4
    # Labels that the network is sure of are not active; those turned round are.
    agreed = Problem(x, np.ones(len(x)), architecture)
    labels = np.where(signs(agreed, sure), 1, -1)
    labels[np.random.default_rng(1).random(len(x)) < share] *= -1
    few, all_active = Problem(x, labels, architecture), Problem(x, y, architecture)
    weights = small(architecture)
    measured = few.loss(sure)[1][0]
    still, ensemble = Langevin(step_size=1e-30, temperature=0.0), Ensemble([0], stream=1, weight_decay=0.0)
    seconds = turns(
        {
            "all": lambda: langevin.advance(all_active, still, ensemble, weights, 0, 4),
            "few": lambda: langevin.advance(few, still, ensemble, sure, 0, 4),
        },
        rounds,
        clock,
    )
    return f"| compaction, n = 30, {measured:.1%} active | {ratio(seconds['all'] / seconds['few'])} of all active |"


def collapsing(scale: float, rounds: int, clock: str) -> str:
    """A network on its way to W = 0, whose activations are subnormal, beside one whose samples are all active, too."""
    architecture = Architecture(INPUTS, 16, DEPTH)
    problem, weights = Problem(*data(2000), architecture), small(architecture)
    competitors = {
        "healthy": engine_sgd(sgd.advance, problem, weights.copy(), 2000),
        "collapsing": engine_sgd(sgd.advance, problem, scale * weights, 2000),
    }
    seconds = turns(competitors, rounds, clock)
    speed = ratio(seconds["healthy"] / seconds["collapsing"])
    return f"| SGD, batch {BATCH}, n = 16, weights x {scale:g} | {speed} of the speed of a healthy network |"


def signs(problem: Problem, weights: np.ndarray) -> np.ndarray:
    """Whether f > 0 for every sample, by torch."""
    model = naive_model(problem.architecture, weights[0])
    with torch.no_grad():
        return (model(torch.as_tensor(problem.data.rows[:, :INPUTS]))[:, 0] > 0).numpy()


def parallel(threads: int, rounds: int, networks: int = 8) -> list[str]:
    architecture = Architecture(INPUTS, 30, DEPTH)
    x, y = data(60_000)
    one, many = Problem(x, y, architecture), Problem(x, y, architecture, threads=threads)
    weights = small(architecture, networks)
    products = [matrix_product() for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = turns(
            {
                "one": engine_langevin(langevin.advance, one, weights.copy(), 3),
                "many": engine_langevin(langevin.advance, many, weights.copy(), 3),
                "peak": lambda: list(pool.map(lambda product: product(), products)),
            },
            rounds,
        )
    rate = 3 * networks * 6 * architecture.n_weights * len(x) / seconds["many"] / 1e9
    peak = threads * 2 * 2048**3 / seconds["peak"] / 1e9
    return [
        f"| {threads} threads, {networks} networks, n = 30 | {ratio(seconds['one'] / seconds['many'])} of 1 thread |",
        f"| the same against {threads} matrix products at once "
        f"| {np.median(rate):.0f} of {np.median(peak):.0f} GFLOP/s = {np.median(rate / peak):.0%} |",
    ]


def first_calls(rounds: int, clock: str) -> list[str]:
    """Seconds from imported modules to the end of the first step, with and without kept machine code."""

    def first_call(folder: str) -> float:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", _FIRST_CALL.format(clock=CLOCKS[clock].__name__)]
        return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    cold, warm = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(first_call(folder))
            warm.append(first_call(folder))
    return [
        f"| first step in a new process, machine code kept | {np.median(warm):.2f} s |",
        f"| first step ever (compilation) | {np.median(cold):.1f} s |",
    ]


def ms(seconds: np.ndarray) -> str:
    return f"{1e3 * np.median(seconds):.3g} ms"


def us(seconds: np.ndarray) -> str:
    return f"{1e6 * np.median(seconds):.3g} µs"


def ratio(values: np.ndarray) -> str:
    return f"{np.median(values):.2f} × ({values.min():.2f}–{values.max():.2f})"


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
        family = {
            line.split(":")[0].strip(): line.split(":")[1].strip()
            for line in lines
            if line.startswith(("cpu fam", "model\t"))
        }
        cpu += f" (family {family.get('cpu family', '?')}, model {family.get('model', '?')})"
    features = numba.core.codegen.get_host_cpu_features()
    vectors = "AVX-512" if "+avx512f" in features else "AVX2" if "+avx2" in features else "other"
    return (
        f"{cpu}, {os.cpu_count()} cores, {vectors}; Python {platform.python_version()}, NumPy {np.__version__}, "
        f"torch {torch.__version__}, numba {numba.__version__}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="times that all competitors take turns")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu leaves out waiting for a core")
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rounds, clock, load = arguments.rounds, arguments.clock, os.getloadavg()[0]
    lines = [f"{machine()}; {rounds} rounds, {clock} time; load {load:.1f} at the start", ""]
    lines += [
        "| a step of one network, one core | naive torch | reference | fused | fused against the peak | naive / fused |"
    ]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for width, n_samples in ((30, 60_000), (72, 60_000), (20, 5_000)):
        lines.append(full_batch(width, n_samples, rounds, clock))
        print(lines[-1], file=sys.stderr, flush=True)
    for width in (30, 72):
        lines.append(minibatch(width, rounds, clock))
        print(lines[-1], file=sys.stderr, flush=True)
    lines += ["", "| fused engine | |", "| --- | --- |"]
    lines += [compaction(share, rounds, clock) for share in (0.148, 0.05, 0.0)]
    lines += [collapsing(scale, rounds, clock) for scale in (1e-4, 1e-6, 1e-20)]
    lines += parallel(os.cpu_count() or 1, rounds)
    lines += first_calls(min(rounds, 5), clock)
    report = "\n".join(lines)
    print(report)
    if arguments.write:
        between_markers.write(arguments.write, MARKERS, report)


if __name__ == "__main__":
    main()
