"""Signals that wait: handlers for a while, and a Ctrl-C that lets a call end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Inside, signals ``numbers`` go to ``handler``; afterwards they act as before. In another than the main thread, which
    alone may handle signals, nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None: a handler that was not set from Python.
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """SIGINT waits until the block has ended; a second one ends the process at once.

    The NetCDF library works under a lock. An exception between taking it and the code that gives it back would leave it
    taken, and the next one to want it, the end of the process among them, would wait for ever.
    """
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    try:
        with handled((signal.SIGINT,), note):
            yield
    finally:
        if asked:
            signal.raise_signal(signal.SIGINT)
