"""Machine code, kept between processes: ``compiled`` is numba's ``njit`` with a cache that can be trusted.

Numba's own cache follows the edits of one file only, so a function would keep calling the old version of a callee in
another module; and its index and code files may disagree for a moment while several processes write. Here every piece
of machine code is a file of its own, named by a digest of all that it depends on: the function and its signature, the
syntax trees of its module and of everything that this imports (``quench.provenance.fingerprint``), the processor, and the
versions of Python and numba. A file is never changed, only ever replaced as a whole by an equal one.

The files lie in NUMBA_CACHE_DIR where it is set, else in the package's ``__pycache__``, else (an install that the user
cannot write to) in the user's own cache folder. All of these are read, the first that is writable is written, and where
none is, every process compiles for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc

from quench.provenance.fingerprint import ROOT, fingerprint

# Division by zero gives infinity or NaN; nobody calls the functions from C.
_OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
# Machine code is freed with its owner.
_alive: list[CFunc] = []


def compiled(function: Callable | None = None, *, inline: bool = False) -> Any:
    """Compile ``function`` at its first call; strict IEEE arithmetic, no interpreter lock, no index checks.

    ``inline`` makes LLVM copy it into its compiled callers. Use as ``@compiled`` or ``@compiled(inline=True)``.
    """
    if function is None:
        return lambda function: compiled(function, inline=inline)
    dispatcher = numba.njit(forceinline=inline, **_OPTIONS)(function)
    # What ``cache=True`` does, with another class.
    dispatcher._cache = _Cache(function)
    return dispatcher


def entry_point(function: Callable, argument_types: Sequence[Any]) -> int:
    """Address of the machine code of ``function``, which returns nothing, for C types (integers, pointers) of numba.

    Compiled code that calls an address does not contain the callee, so large callees are compiled once and not again
    inside each of their callers.
    """
    callback = CFunc(function, (tuple(argument_types), numba.types.void), {}, {"nopython": True, **_OPTIONS})
    callback._cache = _Cache(function)
    callback.compile()
    _alive.append(callback)
    return callback.address


def folders() -> list[Path]:
    """Where machine code may lie, most wanted first."""
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR)]
    user = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    # Where a user has no home, "~" stays as it is.
    return [ROOT / "__pycache__" / "compiled", *([user / "quench" / "compiled"] if user.is_absolute() else [])]


class _Files(IndexDataCacheFile):
    """One file for every key; no index."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _name(self, key: tuple) -> str:
        return f"{self._prefix}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.machine"

    def load(self, key: tuple) -> Any:
        for folder in folders():
            # Absent, or cut short by a full disk: whatever cannot be read is compiled again.
            with contextlib.suppress(Exception):
                return self._load_data(str(folder / self._name(key)))
        return None

    def save(self, key: tuple, data: Any) -> None:
        for folder in folders():
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                return self._save_data(str(folder / self._name(key)), data)
        return None

    def flush(self) -> None:
        for folder in folders():
            for path in folder.glob(f"{self._prefix}-*.machine"):
                path.unlink(missing_ok=True)

    def _data_path(self, name: str) -> str:
        return name

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        with super()._open_for_write(filepath) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


class _Results(CompileResultCacheImpl):
    """How numba turns a compiled function into bytes and back; ``_Cache`` knows where to put them."""

    def __init__(self, function: Callable) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = self
        self._py_file = function.__code__.co_filename

    def ensure_cache_path(self) -> None:
        """``_Files.save`` makes its folder."""


class _Cache(FunctionCache):
    def __init__(self, function: Callable) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._py_func = function
        self._impl = _Results(function)
        self._cache_path = str(folders()[0])
        self._cache_file = _Files(self._name.replace("<locals>.", ""))
        # Taken now, while the files on disk are those just imported.
        versions = (numba.__version__, llvmlite.__version__, sys.version_info[:3])
        self._stamp = (fingerprint(function.__module__), versions, numba.config.OPT, numba.config.BOUNDSCHECK)
        self.enable()

    def _index_key(self, sig: Any, codegen: Any) -> tuple:
        return (self._name, self._stamp, super()._index_key(sig, codegen))
