"""Work of a job, its request to the scheduler, and the amount of work in a job of a declared length."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Core seconds until a process has loaded its libraries, on the reference core, and its memory by then (MB); in a cluster
# job two processes of Snakemake run around it.
START = {"torch": 4.7, "data": 3.4, "engine": 1.9, "figure": 3.3, "light": 1.0}
LOADED_MB = {"torch": 900, "data": 350, "engine": 240, "figure": 230, "light": 110}
SNAKEMAKE_MB = 250
# Requested time and memory over those of the model: cores differ. A job that runs out of either is tried again, from its
# checkpoint and with more.
MARGIN, MEMORY_MARGIN = 2.0, 1.3
# Minutes for a slow start, and for the early signal, which SLURM may send a minute too soon.
SPARE_MINUTES = 5
_MB = 1e6


@dataclass(frozen=True)
class Work:
    """Work of one job: ``seconds`` of the reference core after its start, in equal ``units`` that run on separate cores.

    ``kind``: its libraries (the keys of ``START``). ``memory``: bytes beyond those of the loaded process. ``disk``: bytes
    of its outputs.
    """

    kind: str
    seconds: float = 0.0
    units: int = 1
    memory: float = 0.0
    disk: float = 1e5

    def core_seconds(self, speed: float = 1.0, start: float = 1.0) -> float:
        """Core time, start included, on a machine where work takes ``speed`` times and the start ``start`` times as long."""
        return START[self.kind] * start + self.seconds * speed

    def wall_seconds(self, cores: int = 1, speed: float = 1.0, start: float = 1.0) -> float:
        """Wall time of the job on ``cores`` cores."""
        share = math.ceil(self.units / max(1, cores)) / self.units
        return START[self.kind] * start + self.seconds * share * speed

    def memory_mb(self) -> int:
        return SNAKEMAKE_MB + LOADED_MB[self.kind] + math.ceil(self.memory / _MB)


def request(work: Work, cores: int, attempt: int = 1, limit: int | None = None) -> dict[str, int]:
    """Memory and disk (MB) and run time (minutes, at most ``limit``) that a job requests; more with every attempt.

    Of a job that needs more than ``limit``, attempts end at that limit and resume: they request no more memory.
    """
    once = math.ceil(MARGIN * work.wall_seconds(cores) / 60) + SPARE_MINUTES
    minutes = attempt * once
    grows = limit is None or once <= limit
    memory = math.ceil(MEMORY_MARGIN * work.memory_mb() * ((1 + attempt) / 2 if grows else 1))
    # While a trajectory is written, it is on disk twice.
    disk = math.ceil(attempt * (100 + MARGIN * work.disk / _MB))
    return {"mem_mb": memory, "disk_mb": disk, "runtime": min(minutes, limit or minutes)}


def rounds(seconds: float, minutes: float) -> int:
    """Number of pieces of work of ``seconds`` that fit into ``minutes``: a power of two, at least 1.

    A power of two, because names of files follow from it: a small change of the model shall propose the same.
    """
    return 1 << max(0, math.floor(math.log2(60 * minutes / max(seconds, 1e-3))))
