"""Signal handlers for the length of a block, and a Ctrl-C that waits for the end of a call."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def handled(numbers: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Inside the block ``handler`` receives the signals ``numbers``; afterwards they act as before.

    Only the main thread can handle signals: in another thread nothing changes.
    """
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
def defer_interrupt() -> Iterator[None]:
    """SIGINT takes effect when the block has ended; a second SIGINT ends the process at once.

    The NetCDF library works under a lock. An exception between the code that takes the lock and the code that releases it
    would leave it taken, and its next user, such as the end of the process, would wait without end.
    """
    received = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal received
        received = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    try:
        with handled((signal.SIGINT,), note):
            yield
    finally:
        if received:
            signal.raise_signal(signal.SIGINT)
