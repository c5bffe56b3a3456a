"""What every section of the configuration shares: strict keys, immutable values, one way to declare a field."""

from __future__ import annotations

import types
import typing
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A set of declared keys; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be null."""
    choices = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else [annotation]
    return next((one for one in choices if isinstance(one, type) and issubclass(one, BaseModel)), None)


def key(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """A field with its description, unit and bounds; ``...`` as default makes it required."""
    return Field(default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds)
