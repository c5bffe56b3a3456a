"""Jobs killed at random moments and started again write the bytes of an unbroken run; in full: benchmarks/kill.py."""

import os
import subprocess
import sys

import pytest
from places import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("job", ["pretrain", "run", "streamed", "adam", "annealed"])
def test_killed_jobs_write_the_file_of_an_unbroken_one(job):
    words = ["--jobs", job, "--kills", "3", "--signals", "KILL,TERM,INT,USR1", "--steps", "600"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    script = [sys.executable, str(ROOT / "benchmarks" / "kill.py"), *words]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("files equal") == 4
