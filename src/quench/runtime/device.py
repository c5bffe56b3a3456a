"""The device that torch can use on this machine."""

from __future__ import annotations

import torch

KINDS = ("cpu", "cuda", "mps")


def usable_device(wanted: str, float64: bool = False) -> tuple[str, str]:
    """``wanted`` ("cpu", "cuda", "cuda:1", "mps") and "", or "cpu" and the reason why ``wanted`` cannot be used.

    ``float64``: the work needs float64 numbers, as master weights do. Raises ``ValueError`` for a name of no device.
    """
    kind, _, number = wanted.partition(":")
    if kind not in KINDS or (":" in wanted and not (kind == "cuda" and number.isdecimal())):
        raise ValueError(f"{wanted!r} is not one of cpu, cuda, cuda:N, mps")
    if kind == "mps" and float64:
        return "cpu", "mps has no float64, which the master weights need"
    if kind == "mps" and not torch.backends.mps.is_available():
        return "cpu", "torch finds no mps device here"
    if kind == "cuda" and not torch.cuda.is_available():
        return "cpu", "torch finds no CUDA device here"
    if number and int(number) >= torch.cuda.device_count():
        return "cpu", f"torch finds {torch.cuda.device_count()} CUDA device(s) here, numbered from 0"
    return wanted, ""
