"""Programs run with the machine code of other processors than this one."""

from __future__ import annotations

import os
import subprocess
import sys

import llvmlite.binding as llvm
import pytest

PROCESSORS = [("haswell", "+avx2,+fma"), ("skylake-avx512", "+avx512f,+avx512vl,+avx512dq")]


def output(program: str, *arguments: str, **settings: str) -> str:
    """What ``program`` prints in a process of its own."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True).stdout.strip()


def output_of(processor: str, features: str, program: str, *arguments: str, **settings: str) -> str:
    """The same with the instructions of another processor, where this one has them."""
    if not llvm.get_process_triple().startswith("x86_64"):
        pytest.skip("these instruction sets are those of x86-64")
    host = llvm.get_host_cpu_features()
    if not all(host.get(feature.lstrip("+")) for feature in features.split(",")):
        pytest.skip(f"this processor has no {features}")
    return output(program, *arguments, NUMBA_CPU_NAME=processor, NUMBA_CPU_FEATURES=features, **settings)
