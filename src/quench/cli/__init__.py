"""The ``quench`` command: every step of the pipeline, by hand or from a rule."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from quench import __version__
from quench.errors import EXTRAS, QuenchError, nearest, not_installed
from quench.runtime import usage


def _commands() -> dict[str, str]:
    """Names of all commands with their summaries: modules of this package with ``add_arguments``, their first lines.

    They are read, not imported, so that no command waits for the libraries of another.
    """
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))}
    return {
        name.replace("_", "-"): text.splitlines()[0].strip('".')
        for name, text in texts.items()
        if "\ndef add_arguments(" in text
    }


# A module per command: add_arguments(parser), run(args); its docstring is its help.
COMMANDS = _commands()


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status.

    0 done, 1 found wrong, or the system refused (no room, no permission), 2 a mistake in the input, 130 interrupted.
    """
    argv = sys.argv[1:] if argv is None else argv
    if isinstance(sys.stdout, io.TextIOWrapper):
        # On a terminal that lacks a character, a message without it is better than none.
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return _run(argv)
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            raise not_installed(error.name) from None
    except QuenchError as error:
        print(error.lines(), file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        place = f"{error.filename}: " if error.filename else ""
        print(f"quench: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except MemoryError as error:
        print(f"quench: not enough memory ({error})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("quench: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """A mistake is one line, with the nearest option or choice; ``--help`` prints the usage."""

    def error(self, message: str) -> NoReturn:
        raise QuenchError(f"{self.prog.removeprefix('quench').strip()}: {message}".removeprefix(": "))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = [option for action in self._actions for option in action.option_strings]
            self.error(f"unrecognized argument {unknown[0]!r}{nearest(unknown[0].split('=')[0], options)}")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            where = f"{nearest(str(value), known)}; known: {', '.join(known)}"
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{where}")


def _run(argv: list[str]) -> int:
    if argv and not argv[0].startswith("-") and argv[0] not in COMMANDS:
        raise QuenchError(f"no command {argv[0]!r}{nearest(argv[0], COMMANDS)}; known: {', '.join(COMMANDS)}")
    parser = _Parser(prog="quench", description=__doc__)
    parser.add_argument("--version", action="version", version=f"quench {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary.replace("%", "%%"), description=summary)
        if argv and argv[0] == name:
            module = _module(name)
            sub.description = module.__doc__
            sub.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(sub)
    args = parser.parse_args(argv)
    for option, value in vars(args).items():
        setattr(args, option, _without_tilde(value))
    _check_not_an_input(args)
    began = time.monotonic()
    status = _module(args.command).run(args) or 0
    if hasattr(args, "output"):
        usage.log(began)
    return status


def _without_tilde(value: Any) -> Any:
    """``value`` with the user's home folder for ``~`` in paths; a shell leaves it in ``--output=~/file.nc``."""
    if isinstance(value, list):
        return [_without_tilde(one) for one in value]
    return Path(os.path.expanduser(value)) if isinstance(value, Path) else value


def _check_not_an_input(args: argparse.Namespace) -> None:
    """No command writes over a file that it reads."""
    output = getattr(args, "output", None)
    if not isinstance(output, Path) or not output.exists():
        return
    for value in vars(args).values():
        if any(
            isinstance(path, Path) and path is not output and path.exists() and path.samefile(output)
            for path in (value if isinstance(value, list) else [value])
        ):
            raise QuenchError(f"{output}: is one of the inputs; name another output")


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"quench.cli.{command.replace('-', '_')}")
