"""Sections of the configuration: strict keys, immutable values, one way to declare a field."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from copy import copy
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

Positive = Annotated[int, Field(ge=1)]
# In updates.
Time = Annotated[int, Field(ge=0, le=10**12)]


class Section(BaseModel):
    """A set of declared keys; unknown keys are errors.

    ``PLANNING``: keys that decide which jobs there are, and their files, as do those that name entries of tables. The
    command of a job receives the other keys.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    PLANNING: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for numbers: Python takes true for 1."""
        given = value if isinstance(value, (list, tuple)) else [value]
        annotation = cls.model_fields[str(info.field_name)].annotation
        if any(isinstance(one, bool) for one in given) and "bool" not in str(annotation):
            raise ValueError("true and false are not allowed here")
        return value

    def options(self) -> dict[str, Any]:
        """Values that the command of a job receives, by the names of ``option_fields``; none of a section that is null."""
        found: dict[str, Any] = {}
        for name, (inner, prefix) in _inner_sections(type(self)).items():
            value = getattr(self, name)
            if inner is None:
                found[name] = value
            elif value is not None:
                found |= {f"{prefix}{key}": one for key, one in value.options().items()}
        return found

    @classmethod
    def option_fields(cls) -> dict[str, FieldInfo]:
        """Fields that the command of a job receives, also those of inner sections.

        The fields of an inner section that may be null have its name as prefix, and none of them is required.
        """
        found: dict[str, FieldInfo] = {}
        for name, (inner, prefix) in _inner_sections(cls).items():
            fields = {name: cls.model_fields[name]} if inner is None else inner.option_fields()
            for key, field in fields.items():
                found[f"{prefix}{key}"] = copy(field)
                if prefix and field.is_required():
                    found[f"{prefix}{key}"].default = None
        return found

    @classmethod
    def nested(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """The reverse of ``options``: values by key, inner sections as mappings.

        An inner section is null where none of its required keys has a value.
        """
        found: dict[str, Any] = {}
        for name, (inner, prefix) in _inner_sections(cls).items():
            if inner is None:
                found |= {name: options[name]} if name in options else {}
                continue
            values = {key: options.get(f"{prefix}{key}") for key in inner.option_fields()}
            required = (key for key, field in inner.model_fields.items() if field.is_required())
            absent = prefix and all(values[key] is None for key in required)
            found[name] = None if absent else {key: value for key, value in values.items() if value is not None}
        return found


@functools.cache
def _inner_sections(section: type[Section]) -> dict[str, tuple[type[Section] | None, str]]:
    """Keys for a job, each with the section that it holds and the prefix of its keys."""
    found: dict[str, tuple[type[Section] | None, str]] = {}
    for name, field in section.model_fields.items():
        if name not in section.PLANNING and name not in references(section):
            inner = section_of(field.annotation)
            found[name] = inner, f"{name}_" if inner and inner is not field.annotation else ""
    return found


def key(
    default: Any, description: str, *, unit: str = "", names: tuple[str, ...] = (), off: str = "", **more: Any
) -> Any:
    """Declare a field with its description and unit; ``...`` as default makes it required.

    ``names``: the field holds names of entries of these tables of the scenario. ``off``: name of the command-line option
    that sets it to false. ``more``: bounds and examples, as ``pydantic.Field`` takes them.
    """
    extra: dict[str, Any] = {"unit": unit} if unit else {}
    extra |= {"names": list(names)} if names else {}
    extra |= {"off": off} if off else {}
    return Field(default, description=description, json_schema_extra=extra or None, **more)


def extra_of(field: FieldInfo) -> dict[str, Any]:
    """Unit, names and option of a field that was declared by ``key``."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def section_of(annotation: Any) -> type[Section] | None:
    """Return the section that a field holds, also where it may be null."""
    choices = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else [annotation]
    return next((one for one in choices if isinstance(one, type) and issubclass(one, Section)), None)


def tables(section: type[Section]) -> dict[str, type[Section]]:
    """Return the tables of named entries in ``section``, each with the section of its entries."""
    annotations = {name: field.annotation for name, field in section.model_fields.items()}
    return {
        name: typing.get_args(annotation)[1]
        for name, annotation in annotations.items()
        if typing.get_origin(annotation) is dict
    }


def references(section: type[Section]) -> dict[str, tuple[str, ...]]:
    """Return the keys of ``section`` that name entries of tables, each with those tables."""
    extras = {name: extra_of(field) for name, field in section.model_fields.items()}
    return {name: tuple(extra["names"]) for name, extra in extras.items() if "names" in extra}
