"""Command-line options from the sections of the configuration, so that every key is declared once.

``add_section`` gives a command an option for every key of a section, with its type, bounds, choices, default and meaning.
``read_section`` returns the values as that section, so that its own checks apply. ``reader`` reads an option that is no key.
``flags`` writes options for a rule.
"""

from __future__ import annotations

import argparse
import math
import re
import shlex
import types
import typing
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from quench.config.base import Section, extra_of
from quench.errors import QuenchError, nearest

_Section = TypeVar("_Section", bound=Section)
# Reasons for a refusal, by pydantic's type of error.
_REASONS = {
    "int_parsing": "is not an integer",
    "float_parsing": "is not a number",
    "finite_number": "is out of range: not finite",
    "greater_than_equal": "is out of range: at least {ge}",
    "greater_than": "is out of range: more than {gt}",
    "less_than_equal": "is out of range: at most {le}",
    "less_than": "is out of range: less than {lt}",
    "multiple_of": "is out of range: a multiple of {multiple_of}",
    "missing": "has too few values",
    "too_short": "has too few values",
    "too_long": "has too many values",
    "literal_error": "is not {expected}",
    "string_pattern_mismatch": "is not allowed",
}


def add_section(parser: argparse._ActionsContainer, section: type[Section], without: Collection[str] = ()) -> None:
    """Add an option for every key of ``section`` that a job receives (``Section.option_fields``), or ``without`` some.

    Items of a list are separated by commas, those of a pair by a colon; ``first-last`` is a range of integers.
    """
    for name, field in section.option_fields().items():
        if name not in without:
            add_field(parser, name, field)


def add_field(parser: argparse._ActionsContainer, name: str, field: FieldInfo) -> None:
    """Add the option ``--name`` for the values of ``field``; for a switch that is on, its option ``off``."""
    default = None if field.is_required() else field.default
    examples = field.examples or ()
    how: dict[str, Any] = {
        "required": field.is_required(),
        "type": reader(field.annotation, *field.metadata, examples=examples),
    }
    kind = _without_null(field.annotation)
    if kind is bool:
        how = {"action": "store_false" if default else "store_true", "dest": name}
        name = extra_of(field)["off"] if default else name
    elif typing.get_origin(kind) is tuple:
        how["metavar"] = "A,B,..."
    elif typing.get_origin(kind) is typing.Literal:
        choices = typing.get_args(kind)
        how |= {"type": type(choices[0]), "choices": choices}
    parser.add_argument(f"--{name.replace('_', '-')}", default=default, help=_help(field, default), **how)


def _help(field: FieldInfo, default: Any) -> str:
    """Meaning, unit and default; the default of a key that may be null has its own words in the meaning."""
    extra = extra_of(field)
    parts = [str(field.description).replace("; null ", "; the default ")]
    if default is True:
        parts = ["do not", *parts]
    if "unit" in extra:
        parts.append(f"[{extra['unit']}]")
    if field.examples:
        parts.append(f"(for example {_listed(field.examples)})")
    if flags(value=default) not in ("", "--value"):
        parts.append(f"(default: {_text(default, ',')})")
    return " ".join(parts).replace("%", "%%")


def read_section(args: argparse.Namespace, section: type[_Section], **given: Any) -> _Section:
    """The options of ``add_section``, together with the keys ``given``, as a section.

    Raises ``QuenchError`` with the option and the reason where the values do not fit together.
    """
    try:
        return section.model_validate(section.nested(vars(args)) | given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "-".join(str(part) for part in first["loc"] if isinstance(part, str)).replace("_", "-")
        reason = first["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:]
        raise QuenchError(f"--{option}: {reason}" if option else reason) from None


def integers(text: str) -> tuple[int, ...]:
    """Integers >= 0, separated by commas; ``first-last`` stands for a range; at least one."""
    values: list[int] = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        try:
            span = range(_whole(first), _whole(last) + 1) if dash else [_whole(first)]
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r} is not a whole number or a range") from None
        if not span:
            raise argparse.ArgumentTypeError(f"{part!r}: a range starts with its smaller end")
        values += span
    return tuple(values)


def _whole(text: str) -> int:
    """``300`` and ``3e2``, but not ``3e-2`` or ``1.5``."""
    if text.isdecimal():
        return int(text)
    value = float(text)
    if not (math.isfinite(value) and value == int(value) and value >= 0):
        raise ValueError
    return int(value)


def reader(annotation: Any, *bounds: Any, examples: Sequence[Any] = ()) -> Callable[[str], Any]:
    """From the text of an option to a value of a type, within its own and further ``bounds``; errors give ``examples``."""
    kind = _without_null(annotation)
    item = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else None
    bounded: Any = Annotated[(annotation, *bounds, None)]
    adapter: TypeAdapter[Any] = TypeAdapter(bounded, config=ConfigDict(allow_inf_nan=False))

    def read(text: str) -> Any:
        value: Any = text
        if item is not None:
            value = text.split(",")
            if typing.get_origin(item) is tuple:
                value = [part.split(":") for part in value]
            if _plain(item) is int:
                value = integers(text)
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            limits = {name: f"{v:g}" if isinstance(v, float) else v for name, v in first.get("ctx", {}).items()}
            reason = _REASONS.get(first["type"], f"is not allowed: {first['msg']}").format(**limits)
            wrong = text if isinstance(first["input"], (list, tuple)) else str(first["input"])
            reason += nearest(wrong, re.findall("'(.*?)'", first.get("ctx", {}).get("expected", "")))
            reason += f"; write, for example, {_listed(examples)}" if examples else ""
            raise argparse.ArgumentTypeError(f"{wrong!r} {reason}") from None

    return read


def _listed(examples: Sequence[Any]) -> str:
    return ", ".join(_text(one, ",") for one in examples)


def _without_null(annotation: Any) -> Any:
    """The type of a field, where it may be null the other one; a union of others as it is."""
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return _plain(annotation)
    others = [one for one in typing.get_args(annotation) if one is not type(None)]
    return _plain(others[0]) if len(others) == 1 else annotation


def _plain(annotation: Any) -> Any:
    """A type without its bounds."""
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def flags(**values: Any) -> str:
    """``--some-key value`` for every value; the bare option for True; nothing for None, False and empty tuples.

    A list is separated by commas, a pair in a list by a colon.
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
