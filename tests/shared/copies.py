"""Copies of the repository for tests that change it or run Snakemake in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from places import ROOT

COPIED = ("Snakefile", "workflow", "rules", "config", "src", "profiles", "envs", "pyproject.toml", "docs/examples")


class Copy:
    """A copy of the repository in ``folder``, with a ``scenario`` laid over the smoke scenario."""

    def __init__(self, folder: Path, scenario: dict) -> None:
        self.folder, self.scenario = folder, scenario
        folder.mkdir(exist_ok=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                # Compiled code comes along, so that nothing is compiled twice.
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info"))
            else:
                shutil.copy2(ROOT / name, folder / name)
        self.overlay({})

    def overlay(self, changes: dict) -> None:
        """Lay ``changes``, section by section, over the scenario."""
        sections = {name: self.scenario.get(name, {}) | changes.get(name, {}) for name in self.scenario | changes}
        (self.folder / "overlay.yaml").write_text(yaml.safe_dump(sections))


def shell(command: str, folder: Path) -> subprocess.CompletedProcess:
    """Run ``command`` in the copy at ``folder`` with the tests' own Python and the copy's package."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")},
        capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip


def inherited() -> dict[str, str]:
    """What a user's shell would hand on: no proxy and no data folder."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
