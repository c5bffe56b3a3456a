"""Ctrl-C that waits for a call to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def held() -> Iterator[None]:
    """SIGINT waits until the block has ended; a second one ends the process at once.

    The NetCDF library works under a lock. An exception between taking it and the code that gives it back would leave it
    taken, and the next one to want it, the end of the process among them, would wait for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        # Signals are none of its business.
        yield
        return
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        if asked:
            signal.raise_signal(signal.SIGINT)
