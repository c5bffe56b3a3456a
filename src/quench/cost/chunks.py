"""Chunks of jobs of a declared length: the only place where the performance model decides names of files."""

from __future__ import annotations

from quench.config.sections import CHUNKED, Scenario
from quench.cost.model import Costs


def declare(scenario: Scenario, minutes: float | None = None) -> Scenario:
    """``scenario`` with a declared ``chunk`` in every entry that has chunks, where ``compute.job_minutes`` is set.

    Declared chunks and a scenario without ``job_minutes`` stay as they are. With ``minutes``, all chunks are those for
    jobs of that length.
    """
    length = minutes or scenario.compute.job_minutes
    if length is None:
        return scenario
    proposed = propose(scenario, length)
    tables = {
        table: {
            name: entry.model_copy(update={"chunk": (not minutes and entry.chunk) or proposed[table][name]})
            for name, entry in getattr(scenario, table).items()
        }
        for table in CHUNKED
    }
    compute = scenario.compute.model_copy(update={"job_minutes": length})
    return scenario.model_copy(update={**tables, "compute": compute})


def propose(scenario: Scenario, minutes: float) -> dict[str, dict[str, int]]:
    """Chunks, by table and name, with which jobs last about ``minutes`` on the reference cores.

    Powers of two times ``compute.chunk``. One network is never divided, so a job may last longer.
    """
    costs = Costs(scenario)
    return {table: {name: costs.chunk(table, name, minutes) for name in getattr(scenario, table)} for table in CHUNKED}
