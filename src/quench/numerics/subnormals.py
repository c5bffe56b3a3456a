"""Subnormal numbers count as zero while dynamics run, in the thread that runs them.

A network that collapses to W = 0 takes its activations and gradients through 1e-38, the end of the normal float32
numbers, where some processors are fourteen times slower. Nothing that is measured needs these numbers. Within
``flushed`` an operation takes a subnormal operand as zero and gives zero in place of a subnormal result: in float32
below 1.2e-38, in float64 below 2.2e-308, which the weights of a collapsed network reach after some 10^5 updates. All
vector instructions of a processor do so in the same way, so AVX2 and AVX-512 code agree to the last bit.

Processors other than x86-64 and 64-bit ARM compute as before, and so do accelerators.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from quench.numerics.compiled import compiled

_I32, _I64, _VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()


class _Register(NamedTuple):
    """The register that controls floating-point arithmetic in a thread: LLVM's names for reading and writing it.

    ``flush`` are the bits that make subnormal results and subnormal operands zero. x86 passes the register through
    memory.
    """

    read: str
    write: str
    width: ir.IntType
    flush: int
    in_memory: bool


_MXCSR = _Register("llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr", _I32, 1 << 15 | 1 << 6, True)
_FPCR = _Register("llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr", _I64, 1 << 24, False)
_REGISTERS = {"x86_64": _MXCSR, "AMD64": _MXCSR, "aarch64": _FPCR, "arm64": _FPCR}


def emit_read(builder: ir.IRBuilder, register: _Register) -> ir.Value:
    """Instructions that read ``register``; int64."""
    if not register.in_memory:
        return builder.call(_declared(builder, register.read, register.width, []), [])
    place = cgutils.alloca_once(builder, register.width)
    builder.call(_declared(builder, register.read, _VOID, [place.type]), [place])
    return builder.zext(builder.load(place), _I64)


def emit_write(builder: ir.IRBuilder, register: _Register, value: ir.Value) -> None:
    """Instructions that write int64 ``value`` to ``register``."""
    if register.in_memory:
        value = cgutils.alloca_once_value(builder, builder.trunc(value, register.width))
    builder.call(_declared(builder, register.write, _VOID, [value.type]), [value])


def _declared(builder: ir.IRBuilder, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)


_register = _REGISTERS.get(platform.machine())


def _emit_control(typing_context: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return emit_read(builder, _register) if _register else _I64(0)

    return types.int64(), emit


def _emit_set_control(typing_context: Any, value: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _register:
            emit_write(builder, _register, values[0])
        return context.get_dummy_value()

    return types.void(types.int64), emit


_control: Any = intrinsic(_emit_control)
_set_control: Any = intrinsic(_emit_set_control)


@compiled
def control() -> int:
    """The content of the register of this thread; 0 on a processor without a known one."""
    value: int = _control()
    return value


@compiled
def set_control(value: int) -> None:
    """Make the register of this thread hold ``value``."""
    _set_control(value)


def flush() -> None:
    """From now on subnormal numbers count as zero in this thread and in those that it starts."""
    set_control(control() | (_register.flush if _register else 0))


@contextmanager
def flushed() -> Iterator[None]:
    """Subnormal numbers count as zero in this thread, in compiled code, NumPy and torch, until the block ends."""
    before = control()
    flush()
    try:
        yield
    finally:
        set_control(before)


class FlushedThread:
    """A separate thread in which subnormal numbers count as zero, and with it the threads that its work starts.

    torch splits an operation among threads that it keeps. They belong to the thread that started them and inherit its
    register, so flushing later would leave them as they are.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flushed", initializer=flush)

    def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """``work(*arguments)`` in the thread; its result, or what it raises."""
        return self._thread.submit(work, *arguments).result()
