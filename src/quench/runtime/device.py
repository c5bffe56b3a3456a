"""The device that torch can use on this machine."""

from __future__ import annotations

import sys

from quench.errors import QuenchError


def usable_device(wanted: str, float64: bool = False) -> str:
    """``wanted`` ("cpu", "cuda", "cuda:1", "mps") if torch can use it here; else the CPU, with the reason on stderr.

    ``float64``: the work needs float64 numbers, as master weights do. Raises ``QuenchError`` for a name of no device.
    """
    kind, _, number = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (":" in wanted and not (kind == "cuda" and number.isdecimal())):
        raise QuenchError(f"--device: {wanted!r} is not one of cpu, cuda, cuda:N, mps")
    reason = _obstacle(kind, number, float64)
    if reason:
        print(f"quench: --device {wanted}: {reason}; the CPU is used", file=sys.stderr)
    return "cpu" if reason else wanted


def _obstacle(kind: str, number: str, float64: bool) -> str:
    """Reason why a device cannot be used here; empty where it can."""
    if kind == "cpu":
        return ""
    # Slow to import, and the fused engine works without it.
    import torch

    if kind == "mps" and float64:
        return "mps has no float64, which the master weights need"
    if kind == "mps":
        return "" if torch.backends.mps.is_available() else "torch finds no mps device here"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device here"
    count = torch.cuda.device_count()
    return f"torch finds {count} CUDA device(s) here, numbered from 0" if number and int(number) >= count else ""
