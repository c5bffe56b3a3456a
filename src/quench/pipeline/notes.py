"""Messages of the workflow before its jobs and after them: a new scenario, the figures that were drawn, notes of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# A line of a log that is repeated at the end of the workflow.
NOTE = "quench: note: "
# More figures than this are counted.
LISTED = 4


def at_start(folder: Path) -> Iterator[str]:
    """A scenario without results starts from nothing, even if another one has the same networks."""
    others = sorted(path.parent.name for path in folder.parent.glob("*/config.yaml") if path.parent != folder)
    if others and not (folder / "config.yaml").exists():
        yield f"{folder} is new: nothing is shared with the results of {', '.join(others)}"


def at_end(folder: Path, since: float) -> Iterator[str]:
    """Notes in logs and the pictures written since the time ``since`` [s], and the report."""
    for log in _written(folder.glob("logs/**/*.log"), since):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(NOTE):
                yield line.removeprefix("quench: ")
    drawn = _written(folder.glob("figures/*.png"), since)
    if len(drawn) > LISTED:
        yield f"{len(drawn)} figures drawn in {folder}/figures, as .pdf, .png and .svg, with their numbers as .nc"
    else:
        yield from (f"drawn: {path} (also .pdf, .svg; its numbers: .nc)" for path in drawn)
    yield from (f"report: {path}" for path in _written(folder.glob("report/index.html"), since))


def _written(paths: Iterator[Path], since: float) -> list[Path]:
    return sorted(path for path in paths if path.stat().st_mtime >= since)
