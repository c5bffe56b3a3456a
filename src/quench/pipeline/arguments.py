"""Command-line arguments of the steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from typing import Any

from quench.pipeline.paths import Paths


def flags(**values: Any) -> str:
    """``--some-key value`` for every value; the bare flag for True; nothing for None, False and empty tuples.

    Items of a tuple are separated by commas, items of a tuple in a tuple by colons.
    """
    words = []
    for key, value in values.items():
        if value is None or value is False or value == ():
            continue
        words.append(f"--{key.replace('_', '-')}")
        if value is not True:
            words.append(shlex.quote(_text(value, ",")))
    return " ".join(words)


def _text(value: Any, separator: str) -> str:
    return separator.join(_text(item, ":") for item in value) if isinstance(value, tuple) else str(value)


def figure_inputs(paths: Paths, figure: str, files: Iterable[str]) -> str:
    """``--run NAME FILE ...`` for every run of a figure, and the same for its other inputs.

    ``files`` are those of ``Paths.figure_paths``, in its order, at the places where the job finds them.
    """
    rest = iter(files)
    return " ".join(
        shlex.join([f"--{option}", name, *islice(rest, len(declared))])
        for option, entries in paths.figure_inputs(figure).items()
        for name, declared in entries.items()
    )
