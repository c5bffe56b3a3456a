"""The real Snakefile on a copy of the repository: one full run a session, then questions answered by dry runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from copies import Copy, inherited

TARGETS = ("kwj_fig2", "kwj_fig3", "kwj_figa2")
# The smoke scenario with two phases and the backend that needs no compilation; two networks are one chunk.
OVERLAY = {
    "figures": {"kwj_fig3": {"runs": ["regularised", "overparameterised"]}},
    "compute": {"backend": "reference", "chunk": 2},
}


class Repository(Copy):
    """A copy of the repository in which Snakemake runs as a user would run it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, OVERLAY)

    def snakemake(self, *options: str, targets=TARGETS, environment=None) -> subprocess.CompletedProcess:
        # The tests' own Python, whatever is on the path.
        return subprocess.run(
            [
                sys.executable, "-m", "snakemake", *targets, *options, "--cores", "2",
                "--configfile", "config/smoke.yaml", "overlay.yaml",
            ],
            cwd=self.folder, env=inherited() | (environment or {}), capture_output=True, text=True,
            check=False, timeout=3600,
        )  # fmt: skip

    def quench(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "quench", *words], cwd=self.folder, capture_output=True, text=True, check=False,
            env=inherited() | {"PYTHONPATH": str(self.folder / "src")},
        )  # fmt: skip

    def planned(self, targets=TARGETS) -> set[str]:
        """The jobs of a dry run, each as ``rule wildcard wildcard ...``; targets, which do nothing, are left out."""
        told = self.snakemake("--dry-run", targets=targets)
        assert told.returncode == 0, told.stdout + told.stderr
        # The same jobs are in both streams or in one, by version: a set does not mind.
        text = told.stdout + told.stderr
        assert "This was a dry-run" in text or "Nothing to be done" in text
        jobs = set()
        for block in re.split(r"^(?=(?:local)?rule \w+:$)", text, flags=re.MULTILINE)[1:]:
            name = re.match(r"(?:local)?rule (\w+):", block)[1]
            wildcards = re.search(r"^    wildcards: (.*)$", block, flags=re.MULTILINE)
            values = [pair.split("=", 1)[1] for pair in wildcards[1].split(", ")] if wildcards else []
            if name not in targets:
                jobs.add(" ".join([name, *values]))
        return jobs

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that must be there, once."""
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Repository:
    """A repository in which everything that was asked for has been made."""
    repository = Repository(tmp_path_factory.mktemp("finished"))
    ended = repository.snakemake()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return repository


@pytest.fixture
def restored(finished):
    """The finished repository; whatever a test changes in its code and scenario is undone afterwards."""
    kept = {path: path.read_bytes() for part in ("src", "rules", "config") for path in (finished.folder / part).rglob("*")
            if path.is_file() and path.suffix in {".py", ".smk", ".yaml"}}  # fmt: skip
    kept[finished.folder / "overlay.yaml"] = (finished.folder / "overlay.yaml").read_bytes()
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Repository:
    """A repository in which nothing has run."""
    return Repository(tmp_path_factory.mktemp("untouched"))


@pytest.fixture(scope="session")
def new_repository(tmp_path_factory):
    """Another repository in which nothing has run, in a folder of the given name."""
    return lambda name: Repository(tmp_path_factory.mktemp(name))
