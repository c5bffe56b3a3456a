"""What every section of the configuration shares: strict keys, immutable values, one way to declare a field."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A set of declared keys; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def key(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """A field with its description, unit and bounds; ``...`` as default makes it required."""
    return Field(default, description=description, json_schema_extra={"unit": unit} if unit else None, **bounds)
