"""quench: glassy dynamics in the training of neural networks, reproduced."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Schedule", "__version__", "langevin", "observe", "prepare", "pretrain", "pspin", "record"]

if TYPE_CHECKING:
    from quench.api import langevin, observe, prepare, pretrain, pspin
    from quench.dynamics.schedule import Schedule
    from quench.recording import record

# The names that a script or a notebook needs. They are loaded when they are used: ``import quench`` imports nothing.
_PUBLIC = {name: "quench.api" for name in __all__ if name != "__version__"} | {
    "record": "quench.recording",
    "Schedule": "quench.dynamics.schedule",
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'quench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
