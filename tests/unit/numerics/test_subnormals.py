"""Subnormal numbers count as zero within ``flushed`` and nowhere else."""

from __future__ import annotations

import subprocess
import sys
import threading

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
import torch
from llvmlite import ir

from quench.numerics import subnormals
from quench.numerics.subnormals import FlushedThread, flushed

SMALL = {np.float32: (1e-30, 1e-10, 1e-39), np.float64: (1e-300, 1e-10, 1e-309)}


@numba.njit
def _products(values, factor, out):
    for i in range(values.size):
        out[i] = values[i] * factor


def by_compiled_code(values, factor):
    out = np.empty_like(values)
    _products(values, factor, out)
    return out


def by_torch(values, factor):
    return (torch.from_numpy(values) * float(factor)).numpy()


def is_zero(values):
    """By their bits: a comparison with 0 is itself an operation on a subnormal number."""
    return not values.view(f"u{values.itemsize}").any()


@pytest.mark.parametrize("dtype", SMALL)
@pytest.mark.parametrize("multiply", [by_compiled_code, np.multiply, by_torch])
def test_subnormal_results_and_operands_count_as_zero_within_the_block_only(multiply, dtype):
    first, second, subnormal = SMALL[dtype]
    normal, tiny = np.full(37, first, dtype), np.full(37, subnormal, dtype)
    assert not is_zero(multiply(normal, dtype(second)))
    assert not is_zero(multiply(tiny, dtype(1e20)))
    with flushed():
        assert is_zero(multiply(normal, dtype(second)))
        assert is_zero(multiply(tiny, dtype(1e20)))
        assert not is_zero(multiply(normal, dtype(1)))
    assert not is_zero(multiply(normal, dtype(second)))


def test_the_register_is_as_before_afterwards():
    before = subnormals.control()
    with flushed():
        assert subnormals.control() != before
        with flushed():
            inner = subnormals.control()
        assert subnormals.control() == inner
    assert subnormals.control() == before
    with pytest.raises(ZeroDivisionError), flushed():
        raise ZeroDivisionError
    assert subnormals.control() == before


def test_other_threads_are_left_alone():
    before, seen = subnormals.control(), []
    ready, done = threading.Event(), threading.Event()

    def other():
        ready.wait()
        seen.append(subnormals.control())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with flushed():
        ready.set()
        done.wait()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("register", [subnormals._MXCSR, subnormals._FPCR])
def test_llvm_knows_the_instructions_of_both_architectures(register):
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "flush")
    builder = ir.IRBuilder(function.append_basic_block())
    value = subnormals.emit_read(builder, register)
    subnormals.emit_write(builder, register, builder.or_(value, ir.IntType(64)(register.flush)))
    builder.ret_void()
    llvm.parse_assembly(str(module)).verify()


_IN_TORCH = """
import torch
from quench.numerics.subnormals import FlushedThread

torch.set_num_threads(2)
small, factor = torch.full((1 << 20,), 1e-30), torch.full((1 << 20,), 1e-10)
assert (small * factor).view(torch.int32).all(), "threads of the caller"
flushed = FlushedThread()
for _ in range(2):
    assert flushed.run(torch.get_num_threads) == 2
    assert not flushed.run(torch.mul, small, factor).view(torch.int32).any(), "threads of the flushed thread"
    assert (small * factor).view(torch.int32).all(), "threads of the caller afterwards"
"""


def test_threads_that_torch_starts_in_a_flushed_thread_flush_too():
    subprocess.run([sys.executable, "-c", _IN_TORCH], check=True)


def test_a_flushed_thread_passes_errors_on():
    with pytest.raises(ZeroDivisionError):
        FlushedThread().run(lambda: 1 / 0)
