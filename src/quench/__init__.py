"""quench: glassy dynamics in the training of neural networks, reproduced."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Schedule", "__version__", "record"]

if TYPE_CHECKING:
    from quench.dynamics.schedule import Schedule
    from quench.recording import record

# The names that a user's own training script needs. They are loaded when they are used: ``import quench`` imports nothing.
_PUBLIC = {"record": "quench.recording", "Schedule": "quench.dynamics.schedule"}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'quench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
