"""Kill training jobs at random moments, start them again each time, and compare their files with those of unbroken runs.

python benchmarks/kill.py                          30 kill -9 and 30 SIGTERM for each kind of job (minutes)
python benchmarks/kill.py --kills 3 --jobs run --signals KILL,TERM,INT,USR1

A life is a fork that runs the command line; it is ended after a random time, in training or while it writes its output.
Exits with 1 when a file differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

# Forks of a process with threads of its own may hang.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np

from quench.cli import main
from quench.dynamics.reference import langevin, optimisers, problem, sgd  # noqa: F401  (loaded once, for all lives
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import normals, permutation
from quench.store import files

SAVE_EVERY = 0.05
JOBS = ("pretrain", "run", "streamed", "adam", "annealed")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="of each job with each signal")
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--signals", default="KILL,TERM")
    parser.add_argument("--steps", type=int, default=2000, help="length of a run, updates")
    parser.add_argument("--backend", choices=("reference", "fused"), default="reference")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def write_inputs(folder: Path) -> None:
    """A dataset of random labels and three random networks: enough to train on."""
    import xarray as xr

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 4)).astype(np.float32), rng.choice(np.array([-1, 1], dtype=np.int8), 64)
    data = xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})
    files.write(data, folder / "data.nc", kind="dataset", config={}, code="")
    weights = np.stack([initial_weights(Architecture(4, 5, 2), seed) for seed in range(3)])
    networks = xr.Dataset({"weights": (("network", "weight"), weights)}, coords={"seed": ("network", np.arange(3))})
    config = {"width": 5, "depth": 2, "weight_decay": 0.01}
    files.write(networks, folder / "pretrained.nc", kind="pretrained", config=config, code="")


def command(job: str, folder: Path, output: Path, args: argparse.Namespace) -> list[str]:
    shared = ["--backend", args.backend, "--checkpoint-every", str(SAVE_EVERY), "-o", str(output)]
    if job == "pretrain":
        network = ["--width", "5", "--depth", "2", "--weight-decay", "0.01", "--seeds", "0-2"]
        sgd = ["--learning-rate", "0.05", "--batch-size", "16", "--epochs", str(args.steps // 4), "--polish", "50:0.01"]
        return ["pretrain", str(folder / "data.nc"), *network, *sgd, *shared]
    lag_max = str(args.steps - 20)
    dynamics = ["--step-size", "0.02", "--waiting-times", "5,20", "--lag-max", lag_max]
    dynamics += ["--dynamics", "adam", "--batch-size", "16"] if job == "adam" else ["--temperature", "0.01"]
    dynamics += ["--anneal-start", "1", "--anneal-updates", str(args.steps // 2)] if job == "annealed" else []
    measured = ["--snapshots", "streamed", "--chi", "30,100"] if job == "streamed" else []
    return ["run", str(folder / "pretrained.nc"), str(folder / "data.nc"), *dynamics, *measured, *shared]


def start(words: list[str], log: Path) -> int:
    """A fork that runs the command and leaves with its exit status."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        with open(log, "a", encoding="utf-8") as stream:
            os.dup2(stream.fileno(), 2)
        status = main(words)
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    finally:
        os._exit(status)


def live(words: list[str], log: Path, seconds: float, number: int | None) -> tuple[bool, float, float]:
    """One life, ended by signal ``number`` when it has been at work for ``seconds``.

    Returns whether it was ended so, how long it was at work, and how long it took to obey.
    """
    child = start(words, log)
    output = Path(words[-1])
    lock = output.parent / f".{output.stem}.checkpoint" / "lock"
    began = None
    while began is None or number is None or time.monotonic() < began + seconds:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            if status != 0:
                sys.exit(f"a job left to itself failed with status {status}:\n{log.read_text()[-2000:]}")
            return False, time.monotonic() - (began or time.monotonic()), 0.0
        if began is None and lock.exists() and lock.read_text().startswith(f"{child} "):
            began = time.monotonic()
        time.sleep(0.002)
    sent = time.monotonic()
    os.kill(child, number)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    # 130 is Python's own answer to SIGINT, outside the training loop; 0: it was done already.
    if ended not in (-number, 128 + number, 0):
        sys.exit(f"a job ended by signal {number} left with {ended}:\n{log.read_text()[-2000:]}")
    return ended != 0, sent - began, time.monotonic() - sent


def torment(job: str, name: str, folder: Path, args: argparse.Namespace, rng: random.Random) -> bool:
    """Kill one kind of job ``args.kills`` times; whether every file that came of it is that of the unbroken run."""
    number = signal.Signals[f"SIG{name}"]
    whole, broken, log = folder / f"{job}-whole.nc", folder / f"{job}-broken.nc", folder / f"{job}-{name}.log"
    words = command(job, folder, broken, args)
    _, length, _ = live(command(job, folder, whole, args), log, 0, None)
    kills = same = rounds = 0
    slowest = 0.0
    while kills < args.kills or not broken.exists():
        broken.unlink(missing_ok=True)
        while not broken.exists():
            ended, _, waited = live(words, log, rng.uniform(0, 0.6 * length), number if kills < args.kills else None)
            kills += ended
            slowest = max(slowest, waited)
        rounds += 1
        leftovers = [path.name for path in folder.iterdir() if path.name.startswith(f".{broken.stem}.")]
        if leftovers and not ended:
            print(f"{job} {name}: left behind: {', '.join(leftovers)}")
        # Whoever is killed between writing the file and removing its state leaves that for the next workflow to remove.
        same += broken.read_bytes() == whole.read_bytes() and (ended or not leftovers)
    resumed = log.read_text().count("resumes from step")
    print(
        f"{job:9} {name:5} {kills} kills in {rounds} run(s) of {length:.1f} s, {resumed} lives resumed from a state,"
        f" {slowest:.2f} s at most from signal to end: {same} of {rounds} files equal",
        flush=True,
    )
    return same == rounds


def run() -> int:
    args = arguments()
    normals(0, 0, 0, 8), permutation(0, 0, 0, 8)
    folder = Path(tempfile.mkdtemp(prefix="quench-kill-"))
    rng = random.Random(args.seed)
    try:
        write_inputs(folder)
        jobs, names = args.jobs.split(","), args.signals.split(",")
        results = [torment(job, name, folder, args, rng) for job in jobs for name in names]
        return 0 if all(results) else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(run())
