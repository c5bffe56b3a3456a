"""Disk space of trajectories: all snapshots, or the observables of a streamed run. Plain arithmetic."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quench.errors import QuenchError

if TYPE_CHECKING:
    from quench.dynamics.schedule import Schedule

# Bins of a motility histogram, 4 bytes each (quench.observables.displacement).
_BIN_BYTES = 4 * 900
_NUMBER = 8


def snapshot_bytes(n_networks: int, n_snapshots: int, n_weights: int) -> int:
    """Bytes of all snapshots, on disk and in memory alike."""
    return _NUMBER * n_networks * n_snapshots * n_weights


def streamed_bytes(
    n_networks: int, n_snapshots: int, n_waiting: int, n_lags: int, n_chis: int, n_motility: int, n_layers: int
) -> int:
    """Bytes of the tables of a streamed file: moments, overlaps and responses of all pairs, whole and by layer,
    histograms, and all losses."""
    numbers = 3 + 2 * n_layers + (1 + n_layers) * n_chis
    by_pair = n_waiting * (_NUMBER * n_lags * numbers + _BIN_BYTES * n_motility)
    return n_networks * (by_pair + 3 * _NUMBER * n_snapshots)


def reference_bytes(n_networks: int, n_waiting: int, n_weights: int) -> int:
    """Upper limit of the reference configurations that streaming keeps in memory and in its checkpoints, in bytes."""
    return _NUMBER * n_networks * n_waiting * n_weights


def readable(n_bytes: float) -> str:
    """``5.2 MB``: two digits and a decimal unit."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if n_bytes >= 10 or unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def report_run(
    title: str,
    folder: Path,
    schedule: Schedule,
    n_networks: int,
    n_weights: int,
    *,
    streamed: bool,
    n_chis: int,
    n_motility: int,
    n_layers: int,
) -> None:
    """Print one line on the disk space and memory of a run; raise ``QuenchError`` where ``folder`` has too little space."""
    times, waiting, lags = len(schedule.times), len(schedule.waiting_times), len(schedule.lags)
    full = snapshot_bytes(n_networks, times, n_weights)
    # Without a choice of lags, there is a motility histogram at one lag per decade and at the longest.
    histograms = n_motility or len(str(schedule.lag_max)) + 1
    tables = streamed_bytes(n_networks, times, waiting, lags, max(1, n_chis), histograms, n_layers)
    references = reference_bytes(n_networks, waiting, n_weights)
    size, memory = (tables, tables + references) if streamed else (full, full)
    # Besides the file itself: the journal of the snapshots, or two states that alternate.
    working = 2 * (tables + references) if streamed else full
    print(
        f"quench: {title}: {times} snapshots of {n_networks} networks of {n_weights:,} weights: {readable(size)} on disk,"
        f" {readable(working)} more during the run, {readable(memory)} of memory (snapshots full: {readable(full)},"
        f" streamed: {readable(tables)})",
        file=sys.stderr,
    )
    free = shutil.disk_usage(folder).free
    if size + working > free:
        advice = "" if streamed else "; --snapshots streamed needs less"
        raise QuenchError(f"{folder}: {readable(free)} free, {readable(size + working)} needed{advice}")


def scenario_snapshot_bytes(scenario: Any) -> int:
    """Bytes of all snapshots of the runs of ``scenario``."""
    from quench.dynamics.schedule import Schedule
    from quench.networks.mlp import Architecture

    total = 0
    for run in scenario.runs.values():
        ensemble = scenario.ensembles[run.ensemble]
        architecture = Architecture(scenario.data[ensemble.dataset].components, ensemble.width, ensemble.depth)
        for batch_size in run.batch_sizes or [None] * len(run.temperatures):
            n_snapshots = len(Schedule(run.waiting_times, run.lag_max_at(batch_size), run.dense, run.per_decade).times)
            total += snapshot_bytes(ensemble.seeds, n_snapshots, architecture.n_weights)
    return total
