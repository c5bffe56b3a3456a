"""Sections of the configuration: strict keys, immutable values, one way to declare a field."""

from __future__ import annotations

import types
import typing
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Section(BaseModel):
    """A set of declared keys; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false for numbers: Python takes true for 1."""
        given = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(one, bool) for one in given) and "bool" not in str(
            cls.model_fields[info.field_name].annotation
        ):
            raise ValueError("true and false are not allowed here")
        return value


def key(default: Any, description: str, *, unit: str = "", names: tuple[str, ...] = (), **bounds: Any) -> Any:
    """Declare a field with its description, unit and bounds; ``...`` as default makes it required.

    ``names``: the field holds names of entries of these tables of the scenario.
    """
    extra = {name: value for name, value in (("unit", unit), ("names", list(names))) if value}
    return Field(default, description=description, json_schema_extra=extra or None, **bounds)


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
    extras = {name: field.json_schema_extra for name, field in section.model_fields.items()}
    return {
        name: tuple(extra["names"]) for name, extra in extras.items() if isinstance(extra, dict) and "names" in extra
    }
