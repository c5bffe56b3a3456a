"""The p-spin solver: reach and cost, accuracy, how good its error estimates are, and a scan over p and T.

    python benchmarks/pspin.py [--parts reach,cost,accuracy,estimates,scan,doubled] [--write docs/pspin.md]

Costs are those of new processes: processor time of one core, what a busy machine blurs least, and largest memory. The
truth is a solution on a finer grid, in ``doubled`` one on the same grid with shorter lengths. A quarter of an hour
of processor time in all.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

# The number of threads must be set before the libraries are loaded.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import between_markers  # noqa: E402
import numpy as np  # noqa: E402

from quench.errors import QuenchError  # noqa: E402
from quench.theory.pspin.grid import RESOLUTIONS  # noqa: E402
from quench.theory.pspin.model import quenched  # noqa: E402
from quench.theory.pspin.solution import Solution  # noqa: E402
from quench.theory.pspin.solve import Quench, solve  # noqa: E402
from quench.theory.pspin.time_stepping import march  # noqa: E402

MARKERS = ("<!-- measured: {}: begin -->", "<!-- measured: {}: end -->")
# Three independent methods agree on these to 1e-9 (energies, the last to 2e-9) and 3e-9 (correlations).
ENERGIES = {0.1: -0.1374880529, 1.0: -0.5869931306, 10.0: -0.8081165748, 100.0: -0.8663560266}
CORRELATIONS = {(1, 1): 0.728582056, (10, 10): 0.559807162, (100, 100): 0.490616756, (100, 1): 0.811447484}
TEMPERATURES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
# Nearer to T_d than this factor the relaxation may outlast t = 1e5.
CLEAR_OF_TRANSITION = 1.1

_COST = """
import json, resource, sys, time
cpu = time.process_time()
from quench.theory.pspin.model import quenched
from quench.theory.pspin.solve import solve
loaded = time.process_time()
solve(quenched(3, 0.5), float(sys.argv[2]), resolution=sys.argv[1])
used = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([used - loaded, used - cpu, peak]))
"""


def main() -> None:
    parts = {
        "reach": reach,
        "cost": cost,
        "accuracy": accuracy,
        "estimates": estimates,
        "scan": scan,
        "doubled": doubled,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(parts), help="some of " + ", ".join(parts))
    parser.add_argument("--write", type=Path, help="put the tables between the markers of this file")
    arguments = parser.parse_args()
    for name in arguments.parts.split(","):
        report = parts[name]()
        print(report, flush=True)
        if arguments.write:
            begin, end = (marker.format(name) for marker in MARKERS)
            between_markers.write(arguments.write, (begin, end), report)


def table(header: str, rows: list[str]) -> str:
    return "\n".join([header, "| " + " | ".join("---" for _ in range(header.count("|") - 1)) + " |", *rows])


def reach() -> str:
    """The reach of three grids: the end of the solution, and the time up to which C is good to 1e-5 and to 1e-3."""
    mixed = ((3, 0.5), (4, 0.5))
    models = [
        quenched(3, 0.5),
        quenched(None, 0.0, terms=mixed),
        quenched(None, 0.0, terms=mixed, initial_temperature=0.81),
    ]
    rows = []
    # The fine grid is too slow for this.
    for resolution in ("fast", "standard", "long"):
        cells = []
        for model in models:
            began = time.process_time()
            quench = solve(model, 1e9, resolution=resolution)
            used = time.process_time() - began
            times = np.geomspace(1.0, quench.t_max, 60)
            waiting = np.geomspace(1e-3, 1.0, 25) * times[:, None]
            errors = quench.two_time(waiting, times[:, None] - waiting)[0].error.max(axis=1)
            good = [max(times[np.maximum.accumulate(errors) <= limit], default=0.0) for limit in (1e-5, 1e-3)]
            cells.append(f"{quench.t_max:.0e}; {good[0]:.0e}, {good[1]:.0e} ({used:.0f} s)")
        rows.append(f"| {resolution} | " + " | ".join(cells) + " |")
    return table("| grid | p = 3, T = 0.5 | 3+4, T = 0 | 3+4, T0 = 0.81, T = 0 |", rows)


def cost() -> str:
    """Means of two new processes each (fine: one); the machine code is on disk from an earlier one."""
    rows = []
    for resolution, t_max in (("fast", 1e4), ("standard", 1e4), ("standard", 1e7), ("fine", 1e7)):
        command = [sys.executable, "-c", _COST, resolution, str(t_max)]
        runs = 1 if resolution == "fine" else 3
        found = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(runs)]
        solving, process, peak = np.mean(found[runs > 1 :], axis=0)
        rows.append(f"| {resolution} | {t_max:.0e} | {solving:.2f} s | {process:.2f} s | {peak:.0f} MB |")
    return table("| grid | t_max | solve | process with imports | peak memory |", rows)


def tabulated(t_max: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times from 0.1 to t_max, ten a decade; waiting times and lags from 0.1, three a decade, with t_w + lag <= t_max."""
    decades = np.log10(t_max / 0.1)
    times = np.geomspace(0.1, t_max, round(10 * decades) + 1)
    coarse = np.geomspace(0.1, t_max, round(3 * decades) + 1)
    waiting, lag = (axis.ravel() for axis in np.meshgrid(coarse, coarse))
    inside = waiting + lag <= t_max
    return times, waiting[inside], lag[inside]


@functools.cache
def solved_finely(p: int, temperature: float, t_max: float) -> Solution:
    return march(quenched(p, temperature), RESOLUTIONS["fine"], t_max)


@functools.cache
def solved(p: int, temperature: float, t_max: float, resolution: str) -> Quench:
    return solve(quenched(p, temperature), t_max, resolution=resolution)


def true_errors(quench: Quench, truth: Solution) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """True and estimated errors of E, C, T chi at the tabulated points."""
    times, waiting, lag = tabulated(quench.t_max)
    exact = truth.two_time(waiting, lag)
    energy = quench.energy(times)
    found = {"E": (np.abs(energy.value - truth.energy(times)), energy.error)}
    results = quench.two_time(waiting, lag)
    for name, i, factor in (("C", 0, 1.0), ("T chi", 2, quench.model.temperature)):
        found[name] = factor * np.abs(results[i].value - exact[i]), factor * results[i].error
    return found


def accuracy() -> str:
    """p = 3, T = 0.5 to 1e7: largest errors, and distances from the reference numbers."""
    rows = []
    for resolution in ("fast", "standard"):
        quench = solved(3, 0.5, 1e7, resolution)
        errors = true_errors(quench, solved_finely(3, 0.5, 1e7))
        energies = [abs(float(quench.energy(t).value) - value) for t, value in ENERGIES.items()]
        correlations = [abs(float(quench.two_time(*pair)[0].value) - value) for pair, value in CORRELATIONS.items()]
        largest = " | ".join(f"{errors[name][0].max():.1e} ({errors[name][1].max():.1e})" for name in errors)
        rows.append(f"| {resolution} | {largest} | {max(energies):.1e} | {max(correlations):.1e} |")
    head = "| grid | largest error of E (estimated) | of C (estimated) | of T chi (estimated) |"
    return table(head + " E off the reference | C off the reference |", rows)


def doubled() -> str:
    """The same for the standard and fine grids against themselves with all lengths halved, or 0.75 times as long."""
    rows = []
    for resolution, stretch in (("standard", 0.5), ("fine", 0.75)):
        quench = solved(3, 0.5, 1e7, resolution)
        errors = true_errors(quench, march(quench.model, RESOLUTIONS[resolution], 1e7, stretch))
        largest = " | ".join(f"{errors[name][0].max():.1e} ({errors[name][1].max():.1e})" for name in errors)
        rows.append(f"| {resolution} | {stretch:g} | {largest} |")
    return table("| grid | lengths of the other | E (estimated) | C (estimated) | T chi (estimated) |", rows)


def estimates() -> str:
    """How often the fast grid's estimate covers its distance to the standard one, and by how much it exceeds it."""
    rows = []
    for p, temperature, t_max in ((3, 0.5, 1e4), (3, 1.0, 1e3), (4, 0.3, 1e3)):
        truth = march(quenched(p, temperature), RESOLUTIONS["standard"], t_max)
        errors = true_errors(solved(p, temperature, t_max, "fast"), truth)
        true, estimate = (np.concatenate([errors[name][i] for name in errors]) for i in (0, 1))
        ratio = estimate / np.maximum(true, 1e-300)
        largest = [errors[name][1].max() / errors[name][0].max() for name in errors]
        below = f"{np.mean(ratio <= 30):.0%} | {np.mean(ratio[true > 0.01 * true.max()] <= 30):.0%}"
        rows.append(
            f"| {p}, {temperature:g}, {t_max:.0e} | {true.size} | {np.mean(estimate >= true):.1%} | {np.median(ratio):.1f} |"
            f" {min(largest):.1f}–{max(largest):.1f} | {below} |"
        )
    head = "| p, T, t_max | points | covered | estimate over error, median | largest estimate over largest error |"
    return table(head + " below 30 errors | the same, errors above 1 % of the largest |", rows)


def scan() -> str:
    """p = 3, 4, 5 from T = 0.05 to 2, to t = 1e5 on the fast grid: failures, estimates, energies at equilibrium."""
    from quench.theory.covariance import Covariance
    from quench.theory.threshold import dynamical_temperature, threshold_energy

    rows = []
    for p in (3, 4, 5):
        limit = dynamical_temperature(Covariance.pure(p))
        failures, estimates_found, off, above = [], [], [], []
        for temperature in TEMPERATURES:
            try:
                quench = solve(quenched(p, temperature), 1e5, resolution="fast")
                _, waiting, lag = tabulated(1e5)
                energy = quench.energy(np.geomspace(0.1, 1e5, 61))
                correlation = quench.two_time(waiting, lag)[0]
            except QuenchError as error:
                failures.append(f"T = {temperature:g}: {error}")
                continue
            estimates_found.append((energy.error.max(), correlation.error.max()))
            if temperature > CLEAR_OF_TRANSITION * limit:
                off.append(abs(energy.value[-1] + 1 / (2 * temperature)))
            elif temperature < limit:
                above.append(energy.value[-1] - threshold_energy(Covariance.pure(p), temperature))
        worst = np.max(estimates_found, axis=0)
        rows.append(
            f"| {p} | {len(TEMPERATURES)} | {'; '.join(failures) or 'none'} | {worst[0]:.1e} | {worst[1]:.1e} |"
            f" {max(off):.1e} ({len(off)}) | {min(above):.1e} … {max(above):.1e} ({len(above)}) |"
        )
    head = "| p | temperatures | failures | largest estimated error of E | of C |"
    return table(head + " off −1/(2T) above T_d | E − E_th below T_d |", rows)


if __name__ == "__main__":
    main()
