"""Machine code, kept between processes: ``compiled`` is numba's ``njit`` with a cache that can be trusted.

Numba's own cache follows the edits of one file only, so a function would keep calling the old version of a callee in
another module. Its index and code files can also disagree while several processes write. Here every piece of machine code
is a file of its own, named by a digest of all that it depends on: the function and its signature, the syntax trees of its
module and of everything that this imports (``quench.provenance.fingerprint``), the processor, and the versions of Python
and numba. A file never changes; it can only be replaced by an equal one. It starts with a checksum, without which a flipped
bit would be executed.

The files lie in NUMBA_CACHE_DIR if it is set, else in the package's ``__pycache__``, else (in an installation that the
user cannot write to) in the user's cache folder. All of these are read, and the first writable one is written. Without a
writable one, every process compiles anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc

from quench.provenance.fingerprint import ROOT, fingerprint

# Division by zero gives infinity or NaN, and no function is called from C.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_DIGEST_BYTES = 32
_config: Any = numba.config
_Function = TypeVar("_Function", bound=Callable[..., Any])
# Machine code is freed together with the object that owns it.
_alive: list[CFunc[Callable[..., Any]]] = []


@overload
def compiled(function: _Function) -> _Function: ...
@overload
def compiled(*, inline: bool) -> Callable[[_Function], _Function]: ...
def compiled(function: Any = None, *, inline: bool = False) -> Any:
    """Compile ``function`` at its first call; strict IEEE arithmetic, no interpreter lock, no index checks.

    ``inline`` makes LLVM copy it into its compiled callers. Use as ``@compiled`` or ``@compiled(inline=True)``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(forceinline=inline, **_OPTIONS)(function)
        # As ``cache=True`` does, but with the class below.
        dispatcher._cache = _Cache(function)
        return dispatcher

    return decorate if function is None else decorate(function)


def entry_point(function: Callable[..., Any], argument_types: Sequence[Any]) -> int:
    """Address of the machine code of ``function``, which returns nothing, for C types (integers, pointers) of numba.

    Compiled code that calls an address does not contain the callee, so large callees are compiled once instead of inside
    each of their callers.
    """
    callback: Any = CFunc(function, (tuple(argument_types), numba.types.void), {}, {"nopython": True, **_OPTIONS})
    callback._cache = _Cache(function)
    callback.compile()
    _alive.append(callback)
    address: int = callback.address
    return address


def folders() -> list[Path]:
    """Folders for machine code, in the order in which they are tried."""
    if _config.CACHE_DIR:
        return [Path(_config.CACHE_DIR)]
    user = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    # For a user without a home, "~" stays as it is.
    return [ROOT / "__pycache__" / "compiled", *([user / "quench" / "compiled"] if user.is_absolute() else [])]


def _digest(name: str, content: bytes) -> bytes:
    """SHA-256 over a file's name and content, which stands at its start."""
    return hashlib.sha256(name.encode() + content).digest()


class _Files(IndexDataCacheFile):
    """One file for every key; no index."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _name(self, key: tuple[Any, ...]) -> str:
        return f"{self._prefix}-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.machine"

    def load(self, key: tuple[Any, ...]) -> Any:
        name = self._name(key)
        for folder in folders():
            # A file that is absent, damaged, or lost while it is read, is compiled again.
            with contextlib.suppress(Exception):
                content = (folder / name).read_bytes()
                if content[:_DIGEST_BYTES] == _digest(name, content[_DIGEST_BYTES:]):
                    return pickle.loads(content[_DIGEST_BYTES:])
        return None

    def save(self, key: tuple[Any, ...], data: Any) -> None:
        dump: Any = self._dump
        name, content = self._name(key), dump(data)
        for folder in folders():
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                with self._open_for_write(str(folder / name)) as file:
                    file.write(_digest(name, content) + content)
                return

    def flush(self) -> None:
        for folder in folders():
            for path in folder.glob(f"{self._prefix}-*.machine"):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        with super()._open_for_write(filepath) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


class _Results(CompileResultCacheImpl):
    """The conversion of a compiled function to bytes and back, as numba does it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = self
        self._py_file = function.__code__.co_filename

    def ensure_cache_path(self) -> None:
        """Nothing to do: ``_Files.save`` creates its folder."""


class _Cache(FunctionCache):
    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._py_func = function
        self._impl = _Results(function)
        self._cache_path = str(folders()[0])
        self._cache_file = _Files(self._name.replace("<locals>.", ""))
        # Computed now, while the files on disk are those just imported.
        versions = (numba.__version__, llvmlite.__version__, sys.version_info[:3])
        self._stamp = (fingerprint(function.__module__), versions, _config.OPT, _config.BOUNDSCHECK)
        FunctionCache.enable(self)

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (self._name, self._stamp, FunctionCache._index_key(self, sig, codegen))
