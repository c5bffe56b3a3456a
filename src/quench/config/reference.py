"""JSON schema and reference page of the configuration, generated from the models."""

from __future__ import annotations

import json
import typing
from typing import Any

from pydantic_core import PydanticUndefined

from quench.config.base import Section, section_of
from quench.config.sections import Scenario

INTRODUCTION = """\
# Configuration

*Generated from `src/quench/config/` by `quench config --reference`; a test fails when it drifts.*

A scenario is one YAML file. `config.yaml` is the default. All others override it:
`snakemake --configfile config/NAME.yaml` merges mappings key by key, replaces lists and values, and drops a named entry
that is `null`. A complete scenario that says `base: none` starts from nothing instead. Every mistake is one line with its
place, its reason and the nearest known name. `quench config config/config.yaml config/NAME.yaml` checks files without
running anything. The resolved configuration of a run is in `results/<scenario>/config.yaml`.

| scenario | content |
| --- | --- |
| `config.yaml` | the default: 2,000 embedded MNIST images, minutes on a laptop |
| `smoke.yaml` | every rule on tiny inputs, to check that the pipeline runs |
| `thorough.yaml` | the default with enough networks for its verdicts, on fresh seeds, about half an hour on two cores |
| `cifar.yaml` | the CIFAR-10 figures of Kerr Winter & Janssen at the scale of the default, beside its results |
| `laptop.yaml` | full MNIST and CIFAR-10 with few networks and temperatures, hours |
| `paper.yaml` | both papers at their own scale; thousands of core-hours |
"""


def schema() -> str:
    """JSON schema of a scenario, for editors and other programs."""
    return json.dumps(Scenario.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """The reference in Markdown: one table per section, in the order of the models."""
    return INTRODUCTION + "".join(_table(name, model) for name, model in _sections(Scenario))


def _sections(model: type[Section], name: str = "scenario") -> list[tuple[str, type[Section]]]:
    found = [(name, model)]
    for key, field in model.model_fields.items():
        inner, entry = _inner(field.annotation)
        if inner is not None:
            place = key if name == "scenario" else f"{name}.{key}"
            found += _sections(inner, f"{place}.<name>" if entry else place)
    return found


def _inner(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section in a field, and whether the field is a table of named sections."""
    if typing.get_origin(annotation) is dict:
        return section_of(typing.get_args(annotation)[1]), True
    return section_of(annotation), False


def _table(name: str, model: type[Section]) -> str:
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
    if isinstance(field.default, Section):
        return "see below"
    return f"`{json.dumps(field.default)}`"


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _allowed(schema: dict[str, Any]) -> str:
    """Type and bounds of a field in words, from its JSON schema."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(_allowed, schema["anyOf"]))
    if "prefixItems" in schema:
        return f"({', '.join(map(_allowed, schema['prefixItems']))})"
    if "items" in schema:
        return f"list of {_allowed(schema['items'])}"
    if "$ref" in schema or schema.get("type") == "object":
        return "section" if "$ref" in schema else "named sections"
    bounds = [f"{sign} {schema[key]:g}" for key, sign in _BOUNDS.items() if key in schema]
    return " ".join([schema.get("type", "any"), *bounds])
