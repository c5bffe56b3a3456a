"""A real SLURM on one machine: munged, slurmctld and a slurmd for every virtual node, on loopback, started by root.

No systemd, no cgroups, no database. Debian's packages are installed where they are absent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

NODES = ("node1", "node2", "node3")
CPUS, MEMORY_MB, PORT = 2, 4000, 17700
PROGRAMS = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
# srun inside a job loses SLURM_CONF (the jobstep executor drops it), so that the default place must lead to ours.
DEFAULT_CONF = Path("/etc/slurm/slurm.conf")

CONF = """\
ClusterName=quench
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
MailProg=/bin/true
AuthType=auth/munge
CredType=cred/munge
# A requeued job starts only after its old credential has run out, by default after two minutes.
AuthInfo=socket={folder}/munge.sock,cred_expire=10
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
# A node counts as dead, and an overdue job is killed, after seconds instead of minutes.
SlurmdTimeout=6
KillWait=5
ReturnToService=2
# squeue, which Snakemake asks for the fate of jobs, remembers finished ones for so long.
MinJobAge=3600
# A job that would never run is refused, and one above its memory is killed within a second or two.
EnforcePartLimits=ALL
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill,UsePss
JobAcctGatherFrequency=task=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/none
"""


class Unavailable(Exception):
    """Why there can be no SLURM here."""


class Cluster:
    """Three virtual nodes; ``environment`` is what a program needs to talk to them."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise Unavailable("SLURM's daemons are started by root only")
        self._lock = open(Path(tempfile.gettempdir(), "quench-tests-slurm.lock"), "w")  # noqa: SIM115 (held as long as the cluster)
        try:
            # Never waited for: whoever has it may be waiting for us.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("other tests have a cluster up at this moment") from None
        # One cluster at a time has the link: a leftover of a killed test is ours to replace, a real file is not.
        if DEFAULT_CONF.exists() and not DEFAULT_CONF.is_symlink():
            raise Unavailable("this machine has a SLURM of its own")
        _install()
        _end_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix="quench-slurm-"))
        self.folder.chmod(0o755)
        self.conf = self.folder / "slurm.conf"
        self.environment = {"SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        try:
            self._start()
        except (OSError, TimeoutError, subprocess.SubprocessError) as error:
            self.stop()
            raise Unavailable(f"SLURM does not start here: {error}") from None

    def _start(self) -> None:
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(1024))
        (self.folder / "munge.key").chmod(0o600)
        nodes = "".join(
            f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={PORT + 1 + place}"
            f" CPUs={CPUS} RealMemory={MEMORY_MB}\n"
            for place, name in enumerate(NODES)
        )
        partitions = (
            "PartitionName=test Nodes=ALL Default=YES MaxTime=60 DefaultTime=5 State=UP\n"
            "PartitionName=urgent Nodes=ALL PriorityTier=10 MaxTime=60 DefaultTime=5 State=UP PreemptMode=OFF\n"
        )
        self.conf.write_text(CONF.format(port=PORT, folder=self.folder) + nodes + partitions)
        DEFAULT_CONF.parent.mkdir(exist_ok=True)
        DEFAULT_CONF.unlink(missing_ok=True)
        DEFAULT_CONF.symlink_to(self.conf)
        own = {name: f"{self.folder}/munge.{name}" for name in ("key", "socket", "pid", "log", "seed")}
        self._call(
            "munged", "--force", f"--key-file={own['key']}", f"--socket={self.folder}/munge.sock",
            f"--pid-file={own['pid']}", f"--log-file={own['log']}", f"--seed-file={own['seed']}",
        )  # fmt: skip
        self._call("slurmctld", "-c", "-f", str(self.conf))
        for name in NODES:
            self.start_node(name)
        self.wait_for(lambda: self.up() == set(NODES), "nodes to come up")

    def start_node(self, name: str) -> None:
        (self.folder / name).mkdir(exist_ok=True)
        self._call("slurmd", "-N", name, "-f", str(self.conf))

    def kill_node(self, name: str) -> None:
        """End a node's daemon and everything that it started at once, as a power cut would."""
        for pid in _tree(int((self.folder / f"{name}.pid").read_text())) | self._steps(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        (self.folder / f"{name}.pid").unlink()

    def _steps(self, name: str) -> set[int]:
        """Processes of the jobs on a node; their managers leave the daemon's process tree but keep its log open."""
        log = str(self.folder / f"{name}.log")
        managers = [pid for pid in _processes() if _command(pid).startswith("slurmstepd:") and log in _open_files(pid)]
        return {child for manager in managers for child in _tree(manager)}

    def up(self) -> set[str]:
        """Nodes that answer."""
        listed = [line.split() for line in self._call("sinfo", "-h", "-N", "-o", "%n %T").splitlines()]
        return {name for name, state in listed if state in {"idle", "mixed", "allocated", "completing"}}

    def jobs(self, *states: str) -> list[dict[str, str]]:
        """Jobs of the given states, in the order of submission:
        ``id``, ``state``, ``node``, ``name`` and ``comment`` (the run's and the job's)."""
        told = self._call("squeue", "-h", "--sort=i", f"--states={','.join(states)}", "-o", "%A|%T|%N|%j|%k")
        names = ("id", "state", "node", "name", "comment")
        return [dict(zip(names, line.split("|"), strict=True)) for line in told.splitlines()]

    def cancel(self, which: str) -> None:
        self._call("scancel", which)

    def end_soon(self, job: str) -> None:
        """Move a running job's time limit, in whole minutes, to 40 to 100 s from now: its early signal is due."""
        minutes, seconds = self._call("squeue", "-h", "-j", job, "-O", "timeused:20").strip().split(":")[-2:]
        limit = int(minutes) + (1 if int(seconds) < 20 else 2)
        self._call("scontrol", "update", f"JobId={job}", f"TimeLimit={limit}")

    def submit_urgent(self, node: str) -> str:
        """A job of some seconds that takes a whole node from jobs of lower priority; its number."""
        words = (
            "--parsable",
            "--partition=urgent",
            f"--nodelist={node}",
            f"--ntasks={CPUS}",
            "--mem=0",
            "--output=/dev/null",
        )
        return self._call("sbatch", *words, "--wrap", "sleep 5").strip()

    @contextlib.contextmanager
    def grace(self, seconds: int) -> Iterator[None]:
        """Inside, a preempted job is told to end so many seconds before it is ended."""
        self._call("scontrol", "update", "PartitionName=test", f"GraceTime={seconds}")
        yield
        self._call("scontrol", "update", "PartitionName=test", "GraceTime=0")

    def starts(self, job: str) -> int:
        """How often SLURM has started a job."""
        return 1 + int(re.search(r"Restarts=(\d+)", self._call("scontrol", "show", "job", job))[1])

    @contextlib.contextmanager
    def drained(self, node: str) -> Iterator[None]:
        """Inside, a node takes no new jobs."""
        self._call("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
        yield
        self._call("scontrol", "update", f"NodeName={node}", "State=RESUME")

    @contextlib.contextmanager
    def nobody_served(self, state: str = "DOWN") -> Iterator[None]:
        """Inside, jobs wait in the queue; with ``INACTIVE``, they are refused."""
        self._call("scontrol", "update", "PartitionName=test", f"State={state}")
        yield
        self._call("scontrol", "update", "PartitionName=test", "State=UP")

    def stop(self) -> None:
        with contextlib.suppress(subprocess.SubprocessError):
            self._call("scancel", "--user=root")
            self.wait_for(lambda: not self.jobs("RUNNING", "COMPLETING"), "jobs to end", seconds=10)
        for pid_file in sorted(self.folder.glob("*.pid"), key=lambda path: path.name == "munge.pid"):
            pid = int(pid_file.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            self.wait_for(lambda pid=pid: not _alive(pid), f"{pid_file.stem} to end", seconds=10)
        DEFAULT_CONF.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def wait_for(self, condition, what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text(errors="replace")[-1000:] for path in self.folder.glob("*.log"))
                raise TimeoutError(f"waited {seconds} s for {what}\n{logs}")
            time.sleep(0.1)

    def _call(self, *words: str) -> str:
        ended = subprocess.run(
            words, env=os.environ | self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        if ended.returncode != 0:
            raise subprocess.SubprocessError(f"{' '.join(words)}: {ended.stdout}")
        return ended.stdout


def _end_leftovers() -> None:
    """Daemons of a test run that was killed: who holds the lock knows that nobody uses them."""
    for pid_file in Path(tempfile.gettempdir()).glob("quench-slurm-*/*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            if str(pid_file.parent) in _command(pid):
                os.kill(pid, signal.SIGKILL)


def _install() -> None:
    absent = sorted(package for program, package in PROGRAMS.items() if not shutil.which(program))
    if not absent:
        return
    if not shutil.which("apt-get"):
        raise Unavailable(f"{', '.join(absent)} not installed, and no apt-get to install them with")
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True, "text": True}
    get = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    subprocess.run([*get, "update"], check=False, **quiet)
    ended = subprocess.run([*get, "install", "-y", "--no-install-recommends", *absent], check=False, **quiet)
    if ended.returncode != 0:
        raise Unavailable(f"apt-get cannot install {', '.join(absent)}: {ended.stderr.strip().splitlines()[-1:]}")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _open_files(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry))
    return found


def _tree(pid: int) -> set[int]:
    """A process and all its descendants."""
    found = {pid}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= _tree(int(child))
    return found


def _alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
