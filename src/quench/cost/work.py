"""What a job takes, what it asks the scheduler for, and how much work makes a job of a declared length."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Core seconds until a process has loaded what it computes with, on the reference core, and the memory that it holds by
# then (MB); in a cluster job two processes of Snakemake are around it.
START = {"torch": 4.7, "data": 3.4, "engine": 1.9, "figure": 3.3, "light": 1.0}
LOADED_MB = {"torch": 900, "data": 350, "engine": 240, "figure": 230, "light": 110}
SNAKEMAKE_MB = 250
# Jobs ask for so much more time and memory than the model says: cores differ, and a job that runs out of either is
# tried again from its saved state with more.
MARGIN, MEMORY_MARGIN = 2.0, 1.3
# Minutes for a slow start, and for the early signal, which SLURM may send a minute before it is asked to.
SPARE_MINUTES = 5
_MB = 1e6


@dataclass(frozen=True)
class Work:
    """What one job takes: ``seconds`` of the reference core beyond the start, in ``units`` that cores can share.

    ``kind`` is what it loads and computes with (the keys of ``START``); ``memory`` is in bytes beyond the process itself,
    ``disk`` in bytes of its outputs.
    """

    kind: str
    seconds: float = 0.0
    units: int = 1
    memory: float = 0.0
    disk: float = 1e5

    def core_seconds(self, speed: float = 1.0, start: float = 1.0) -> float:
        """Core time, start included, where work takes ``speed`` and the start ``start`` times as long."""
        return START[self.kind] * start + self.seconds * speed

    def wall_seconds(self, cores: int = 1, speed: float = 1.0, start: float = 1.0) -> float:
        """Time until the job ends on ``cores`` cores."""
        share = math.ceil(self.units / max(1, cores)) / self.units
        return START[self.kind] * start + self.seconds * share * speed

    def memory_mb(self) -> int:
        return SNAKEMAKE_MB + LOADED_MB[self.kind] + math.ceil(self.memory / _MB)


def request(work: Work, cores: int, attempt: int = 1, limit: int | None = None) -> dict[str, int]:
    """Memory and disk (MB) and run time (minutes, at most ``limit``) that a job asks for, more with every try."""
    minutes = attempt * (math.ceil(MARGIN * work.wall_seconds(cores) / 60) + SPARE_MINUTES)
    memory = math.ceil(MEMORY_MARGIN * work.memory_mb() * (1 + attempt) / 2)
    # A trajectory is there twice while it is written.
    disk = math.ceil(attempt * (100 + MARGIN * work.disk / _MB))
    return {"mem_mb": memory, "disk_mb": disk, "runtime": min(minutes, limit or minutes)}


def rounds(seconds: float, minutes: float) -> int:
    """How often work of ``seconds`` is done in a job of ``minutes``: a power of two, at least 1.

    A power of two, since names of files depend on it: a small change of the model must not rename results.
    """
    return 2 ** max(0, math.floor(math.log2(60 * minutes / max(seconds, 1e-3))))
