"""The configuration's JSON schema and its reference page, generated from the models so that they cannot drift."""

from __future__ import annotations

import json
import typing
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from quench.config.base import section_of
from quench.config.sections import Scenario

INTRODUCTION = """\
# Configuration

*Generated from `src/quench/config/` by `quench config --reference`; a test fails when it drifts.*

A scenario is one YAML file. `config.yaml` is the default; every other one is laid over it with
`snakemake --configfile config/NAME.yaml`: mappings merge key by key, lists and values are replaced, and a named entry
set to `null` is dropped. Unknown keys are errors that name the nearest known one. `quench config FILE ...` checks files
without running anything; the resolved configuration of a run is kept in `results/<scenario>/config.yaml`.

| scenario | what it is |
| --- | --- |
| `config.yaml` | the default: 2,000 embedded MNIST images, minutes on a laptop |
| `smoke.yaml` | every rule on next to nothing, to see that the pipeline runs |
| `cifar.yaml` | the CIFAR-10 figures of Kerr Winter & Janssen at the default's scale, beside its results |
| `laptop.yaml` | full MNIST and CIFAR-10 with few networks and temperatures, hours |
| `paper.yaml` | both papers at their own scale; thousands of core-hours |
| `cifar100.yaml` | laid over `paper.yaml`: ResNet-18 on CIFAR-100 |
"""


def schema() -> str:
    """JSON schema of a scenario, for editors and other programs."""
    return json.dumps(Scenario.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """The reference in Markdown: one table a section, in the order in which the models name them."""
    return INTRODUCTION + "".join(_table(name, model) for name, model in _sections(Scenario))


def _sections(model: type[BaseModel], name: str = "scenario") -> list[tuple[str, type[BaseModel]]]:
    found = [(name, model)]
    for key, field in model.model_fields.items():
        inner, entry = _inner(field.annotation)
        if inner is not None:
            place = key if name == "scenario" else f"{name}.{key}"
            found += _sections(inner, f"{place}.<name>" if entry else place)
    return found


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The section model behind a field and whether it is a table of named ones."""
    if section := section_of(annotation):
        return section, False
    if typing.get_origin(annotation) is dict:
        value = typing.get_args(annotation)[1]
        return (value, True) if isinstance(value, type) and issubclass(value, BaseModel) else (None, False)
    return None, False


def _table(name: str, model: type[BaseModel]) -> str:
    definitions = Scenario.model_json_schema()["$defs"] | {"Scenario": Scenario.model_json_schema()}
    properties = definitions[model.__name__]["properties"]
    about = (model.__doc__ or "").strip().split("\n")[0]
    rows = [f"\n## `{name}`\n\n{about}\n\n| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n"]
    for key, field in model.model_fields.items():
        unit = f" [{properties[key]['unit']}]" if "unit" in properties[key] else ""
        rows.append(f"| `{key}` | {_default(field)} | {_allowed(properties[key])} | {field.description}{unit} |\n")
    return "".join(rows)


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "*required*"
    if isinstance(field.default, BaseModel):
        return "see below"
    return f"`{json.dumps(field.default)}`"


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _allowed(schema: dict[str, Any]) -> str:
    """Type and bounds of a field, from its JSON schema, in a few words."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_allowed(choice) for choice in schema["anyOf"])
    if "$ref" in schema:
        return "section"
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        return f"list of {_allowed(items)}" if items else "list of pairs"
    if schema.get("type") == "object":
        return "named sections"
    bounds = [f"{sign} {schema[key]:g}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join([schema.get("type", "any"), *bounds])
