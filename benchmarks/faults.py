"""What can go wrong beside a killed job (benchmarks/kill.py): inject it, many times, and look for anything that was lost.

python benchmarks/faults.py                          everything, some minutes; mounting needs root, else it is left out
python benchmarks/faults.py bits cuts swaps --results results/smoke
python benchmarks/faults.py snakemake --times 20

A fault is harmless where every file is then either refused by its name, absent, or made again with the same bytes.
Exits with 1 where it is not.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import yaml

from quench.errors import QuenchError
from quench.pipeline import expected, results
from quench.store import files

ROOT = Path(__file__).parents[1]
COPIED = ("Snakefile", "rules", "config", "src", "profiles", "envs", "pyproject.toml")
# One phase of the smoke scenario, up to its observables: every kind of training job, some seconds of work.
RUN = "regularised"
TARGETS = [f"results/smoke/observables/{RUN}/{point}/chi30.nc" for point in ("T0.01", "T0.0001")]
SCENARIO = {
    "compute": {"backend": "reference", "chunk": 1, "checkpoint_seconds": 0.2},
    "runs": {RUN: {"lag_max": 2000}},
}


def repository(folder: Path) -> Path:
    """A copy of this repository in a new folder, with a small scenario of its own."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / name)
    smoke = yaml.safe_load((ROOT / "config/smoke.yaml").read_text(encoding="utf-8"))
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    figures = dict.fromkeys([*default["figures"], *smoke["figures"]])
    (folder / "small.yaml").write_text(yaml.safe_dump(SCENARIO | {"figures": figures}), encoding="utf-8")
    return folder


def snakemake(folder: Path, *words: str) -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *words,
        "--cores",
        "2",
        "--configfile",
        "config/smoke.yaml",
        "small.yaml",
    ]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def finish(folder: Path, *words: str) -> str:
    process = snakemake(folder, *words)
    told = process.communicate(timeout=1800)[0]
    if process.returncode != 0:
        sys.exit(f"a workflow left to itself failed:\n{told[-3000:]}")
    return told


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all results by name."""
    root = folder / "results" / "smoke"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in results.paths_in(root)
    }


class Faults:
    """Every method named in ``NAMES`` injects one kind of fault and says whether nothing was lost."""

    NAMES = ("bits", "cuts", "swaps", "disk", "readonly", "mains", "clock", "sources", "snakemake")

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder, self.rng = args, folder, random.Random(args.seed)
        self._whole: dict[str, str] = {}
        self._finished: Path | None = None

    def finished(self) -> Path:
        """A repository whose small scenario was made without any fault; its digests are what others are held against."""
        if self._finished is None:
            self._finished = repository(self.folder / "whole")
            finish(self._finished, *TARGETS)
            self._whole = digests(self._finished)
        return self._finished

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.finished(), self.folder / name, symlinks=True))

    def root(self) -> Path:
        return Path(self.args.results or self.finished() / "results" / "smoke").absolute()

    def bits(self) -> bool:
        """A bit of a file turns."""
        return self._damage(lambda content: _flipped(content, self.rng), "bits turned")

    def cuts(self) -> bool:
        """The end of a file is lost."""
        return self._damage(lambda content: content[: self.rng.randrange(len(content))], "files cut short")

    def _damage(self, change, what: str) -> bool:
        paths, refused, injected = results.paths_in(self.root()), 0, 0
        place = self.folder / "damaged.nc"
        for path in paths:
            content = path.read_bytes()
            for _ in range(self.args.times):
                place.write_bytes(change(content))
                injected += 1
                with contextlib.suppress(QuenchError):
                    files.read(place)
                    continue
                refused += 1
        tell(what, injected, f"in {len(paths)} files: {refused} refused by name")
        return refused == injected

    def swaps(self) -> bool:
        """A whole file lies under another name of its stage."""
        root, injected, refused = self.root(), 0, 0
        scenario = results.scenario_at(root)
        by_stage: dict[str, list[Path]] = {}
        for path in results.paths_in(root):
            by_stage.setdefault(path.relative_to(root).parts[0], []).append(path)
        for paths in by_stage.values():
            held = {path: files.read(path) for path in paths}
            wanted = {path: expected.contents(scenario, path.relative_to(root).as_posix()) for path in paths}
            for one in paths:
                for other in paths:
                    if None in (wanted[one], wanted[other]) or wanted[one] == wanted[other]:
                        continue
                    injected += 1
                    try:
                        results.check(held[one], other)
                    except QuenchError:
                        refused += 1
        tell("files under another's name", injected, f"{refused} refused by name")
        return refused == injected

    def disk(self) -> bool:
        """The disk is full: at the start, while states are saved, while the result is written."""
        whole, lost = self._job_on(None), 0
        told = set()
        for _ in range(self.args.times):
            size = int(10 ** self.rng.uniform(4.6, 5.8))
            with mounted(self.folder / "small", f"size={size}") as small:
                if small is None:
                    return left_out("disk")
                content, status, line = self._job_on(small)
                if content is None:
                    told.add(re.sub(r"[\d.]+ kB", "N kB", line.split(": ")[-1]))
                lost += (content is None) != (status != 0) or (content is not None and content != whole[0])
                lost += "Traceback" in line
        tell("disk full", self.args.times, f"{lost} lost; told: {'; '.join(sorted(told))}")
        return lost == 0

    def readonly(self) -> bool:
        """The results folder may not be written to."""
        lost = 0
        for _ in range(3):
            with mounted(self.folder / "readonly", "size=8m,ro") as folder:
                if folder is None:
                    return left_out("readonly")
                content, status, line = self._job_on(folder)
                lost += content is not None or status == 0 or "Traceback" in line or not line.startswith("quench: ")
        tell("read-only results", 3, f"{lost} lost; told: {line.strip()[:100]}")
        return lost == 0

    def _job_on(self, folder: Path | None) -> tuple[bytes | None, int, str]:
        """The content of a run written to ``folder``, None if there is none; exit status and last line told."""
        root = self.finished() / "results" / "smoke"
        folder = folder or self.folder
        output = folder / "run.nc"
        if output.exists():
            output.unlink()
        words = ["--temperature", "0.01", "--step-size", "0.02", "--waiting-times", "10,20", "--lag-max", "2000"]
        words += ["--backend", "reference", "--checkpoint-every", "0.05", "-o", str(output)]
        inputs = [str(root / f"pretrained/{RUN}/0-0.nc"), str(root / "data/mnist.nc")]
        command = [sys.executable, "-m", "quench", "run", *inputs, *words]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        content = output.read_bytes() if output.exists() else None
        return content, ended.returncode, (ended.stderr.strip().splitlines() or [""])[-1]

    def mains(self) -> bool:
        """A second Snakemake starts on the folder of one at work; a second job on the file of one at work."""
        folder, harmless = repository(self.folder / "mains"), True
        first = snakemake(folder, *TARGETS)
        while not list((folder / "results/smoke").rglob(".*.checkpoint/state-*.bin")):
            time.sleep(0.05)
        second = snakemake(folder, *TARGETS)
        told = second.communicate()[0]
        harmless &= second.returncode != 0 and "lock" in told.lower()
        first.communicate()
        harmless &= first.returncode == 0 and self.finished() and digests(folder) == self._whole
        tell("two mains", 1, "the second is sent away, the first's files are equal" if harmless else "LOST")
        return harmless

    def clock(self) -> bool:
        """Inputs are of tomorrow (a clock that jumped back), or all results of 1990 (one that jumped forward)."""
        harmless = True
        for name, when, some in (("tomorrow", time.time() + 86400, "pretrained"), ("1990", 631152000.0, "")):
            folder = self.copy(name)
            for path in results.paths_in(folder / "results/smoke"):
                if some in path.parts or not some:
                    os.utime(path, (when, when))
            process = snakemake(folder, *TARGETS)
            told = process.communicate()[0]
            same = process.returncode == 0 and digests(folder) == self._whole
            again = finish(folder, *TARGETS, "--dry-run") if process.returncode == 0 else told
            quiet = "Nothing to be done" in again
            tell(
                f"clock: {name}",
                1,
                f"files {'equal' if same else 'DIFFER'}, {'done' if quiet else 'made again each time'}",
            )
            harmless &= same
        return harmless

    def sources(self) -> bool:
        """The code of a training is edited while trainings wait: none is made with a mixture."""
        folder = repository(self.folder / "sources")
        process = snakemake(folder, *TARGETS)
        while not list((folder / "results/smoke/pretrained").rglob("*.nc")):
            time.sleep(0.05)
        module = folder / "src/quench/dynamics/reference/langevin.py"
        text = module.read_text(encoding="utf-8")
        module.write_text(text.replace("np.sqrt(2 * step_size", "np.sqrt(2.0 * step_size"), encoding="utf-8")
        told = process.communicate()[0]
        refused = told.count("was edited while jobs of this workflow were running")
        codes = {
            files.read(path).attrs["code_fingerprint"] for path in (folder / "results/smoke/snapshots").rglob("*.nc")
        }
        module.write_text(text, encoding="utf-8")
        finish(folder, *TARGETS)
        same = bool(self.finished()) and digests(folder) == self._whole
        harmless = same and len(codes) <= 1 and (refused > 0 or process.returncode == 0)
        tell(
            "sources edited",
            1,
            f"{refused} jobs refuse; undone and started again, files {'equal' if same else 'DIFFER'}",
        )
        return harmless

    def snakemake(self) -> bool:
        """Snakemake and all its jobs are ended by kill -9 at random moments, and started again."""
        folder = repository(self.folder / "killed")
        self.finished()
        kills = 0
        while kills < self.args.times:
            process = snakemake(folder, *TARGETS)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=self.rng.uniform(2, 30))
                break
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            finish(folder, "--unlock")
        finish(folder, *TARGETS)
        same = digests(folder) == self._whole
        left = [path for path in (folder / "results/smoke").rglob(".*") if path.name != ".submissions"]
        tell("Snakemake killed", kills, f"files {'equal' if same else 'DIFFER'}, {len(left)} leftovers")
        return same


def _flipped(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path | None]:
    """A small file system of its own at ``folder``; None where this user cannot mount one."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def left_out(name: str) -> bool:
    print(f"{name}: left out, this user cannot mount a file system")
    return True


def tell(what: str, times: int, outcome: str) -> None:
    print(f"{what:28} {times:6} times: {outcome}", flush=True)


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", default=Faults.NAMES, metavar="FAULT", help=", ".join(Faults.NAMES))
    parser.add_argument("--times", type=int, default=20, help="injections, for each file where there are files")
    parser.add_argument("--results", help="results to damage copies of (default: a small scenario, made first)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    unknown = set(args.faults) - set(Faults.NAMES)
    if unknown:
        parser.error(f"no fault {min(unknown)!r}; there are {', '.join(Faults.NAMES)}")
    folder = Path(tempfile.mkdtemp(prefix="quench-faults-"))
    try:
        faults = Faults(args, folder)
        harmless = {name: getattr(faults, name)() for name in args.faults}
        return 0 if all(harmless.values()) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(run())
