"""What every section of the configuration shares: strict keys, immutable values, one way to declare a field."""

from __future__ import annotations

import types
import typing
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Section(BaseModel):
    """A set of declared keys; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Python takes true for 1."""
        given = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(one, bool) for one in given) and "bool" not in str(
            cls.model_fields[info.field_name].annotation
        ):
            raise ValueError("true and false are no values here")
        return value


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be null."""
    choices = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else [annotation]
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)


def key(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """A field with its description, unit and bounds; ``...`` as default makes it required."""
    return Field(default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds)
