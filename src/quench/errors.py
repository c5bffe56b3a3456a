"""The only exception that a user should see: what is wrong, where, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QuenchError(Exception):
    """A mistake in the input, in one line, or several mistakes in a line each.

    The command line prints ``lines`` of it without a traceback and exits with status 2.
    """

    def lines(self) -> str:
        """One line for each mistake, each with the name of the program."""
        return "\n".join(f"quench: {line}" for line in str(self).splitlines())


# Packages that `pip install quench` leaves out, by the extra that brings them.
EXTRAS = {"torch": "torch", "torchvision": "torch", "curvlinops": "torch", "snakemake": "workflow"}


def not_installed(package: str) -> QuenchError:
    """The error of a part that needs one of the packages in ``EXTRAS``."""
    return QuenchError(f"this needs {package}, which is not installed; pip install 'quench[{EXTRAS[package]}]'")


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the known word closest to ``word``; an empty string when none is close."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
