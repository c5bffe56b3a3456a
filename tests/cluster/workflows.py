"""Copies of the repository, and how Snakemake is started in them: on a virtual cluster or on this machine alone."""

import subprocess
import sys
from pathlib import Path

import yaml
from copies import ROOT, Copy, inherited

# One figure and what it needs: seven jobs. Whatever takes long in a test is a run of this scenario made longer.
SCENARIO = {
    "runs": {"regularised": {"temperatures": [0.01, 1e-4]}},
    "figures": dict.fromkeys(yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["figures"])
    | {"kwj_fig2": {"runs": ["regularised"], "chi": 100, "temperatures": [0.01, 1e-4]}},
    # Two threads: a training job takes the whole of a node.
    "compute": {"backend": "reference", "chunk": 2, "threads": 2, "checkpoint_seconds": 0.5},
}
# The profile for users, and a virtual cluster's haste.
SLURM = (
    "--workflow-profile", "profiles/slurm", "--latency-wait", "5",
    "--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "1",
)  # fmt: skip
LOCAL = ("--cores", "2")


class Workflow(Copy):
    """A copy of the repository and how Snakemake is started in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(folder, SCENARIO)
        self.environment = environment
        self.results = folder / "results" / "smoke"

    def start(self, *words: str) -> subprocess.Popen:
        """Snakemake, started; what it tells goes to a file, for a job may outlive it."""
        with open(self.folder / "told.log", "w") as told:
            return subprocess.Popen(
                [sys.executable, "-m", "snakemake", *words, "--configfile", "config/smoke.yaml", "overlay.yaml"],
                cwd=self.folder, env=inherited() | {"OMP_NUM_THREADS": "1"} | self.environment,
                stdout=told, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def told(self) -> str:
        return (self.folder / "told.log").read_text()

    def run(self, *words: str, fails: bool = False) -> str:
        """Snakemake, from start to end; what it told."""
        return self.end(self.start(*words), fails)

    def end(self, process: subprocess.Popen, fails: bool = False) -> str:
        process.wait(timeout=1500)
        assert (process.returncode != 0) == fails, self.told
        return self.told

    def files(self, *folders: str) -> dict[str, bytes]:
        """NetCDF files below folders of the results, by their place."""
        paths = [path for folder in folders for path in (self.results / folder).rglob("[!.]*.nc")]
        return {str(path.relative_to(self.results)): path.read_bytes() for path in paths}

    def log(self, path: str) -> str:
        file = self.results / "logs" / path
        return file.read_text() if file.exists() else ""
