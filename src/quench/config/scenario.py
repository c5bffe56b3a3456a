"""From a plain mapping (Snakemake's ``config``, or YAML files) to a checked scenario, or one line of error."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from quench.config.base import section_of, tables
from quench.config.checks import check
from quench.config.sections import Figure, Scenario
from quench.errors import QuenchError, nearest

TABLES = tuple(tables(Scenario))


def load_files(paths: Iterable[str | Path]) -> Scenario:
    """Scenario of the first YAML file, overridden by the following ones, as with ``snakemake --configfile``."""
    merged: dict[str, Any] = {}
    for path in paths:
        overlay(merged, read_file(path))
    return resolve(merged)


def read_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises ``QuenchError`` with line and column for any other content."""
    try:
        content = _Loader(Path(path).read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError:
        raise QuenchError(f"{path}: no such config file") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise QuenchError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise QuenchError(f"{path}: a config file must contain keys and values")
    return content


class _Loader(yaml.SafeLoader):
    """Plain YAML that refuses a repeated key; YAML itself would silently drop the first one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} is repeated", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def overlay(base: dict[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Override ``base`` by ``upper`` in place: mappings merge key by key, everything else is replaced."""
    for name, value in upper.items():
        if isinstance(value, Mapping) and isinstance(base.get(name), dict):
            overlay(base[name], value)
        else:
            base[name] = dict(value) if isinstance(value, Mapping) else value
    return base


def resolve(config: Mapping[str, Any]) -> Scenario:
    """The checked scenario, without the named entries that an overlay set to null.

    Raises ``QuenchError`` with the place of the first mistake, its reason and the nearest known name.
    """
    plain = _without_nulls(config)
    try:
        scenario = _with_external_figures(Scenario.model_validate(plain))
    except ValidationError as error:
        raise QuenchError(f"config: {_first_mistake(error)}") from None
    check(scenario)
    return scenario


def _with_external_figures(scenario: Scenario) -> Scenario:
    """Add a figure for every external run, unless one of that name is declared."""
    own = {
        f"external_{name}": Figure(kind="own_ageing", external=(name,), fit=run.fit, collapse=run.collapse)
        for name, run in scenario.external.items()
    }
    return scenario.model_copy(update={"figures": {**scenario.figures, **own, **scenario.figures}})


def _without_nulls(config: Mapping[str, Any]) -> dict[str, Any]:
    """Drop named entries that are null; null is a value elsewhere."""
    plain = dict(config)
    for section in TABLES:
        if isinstance(plain.get(section), Mapping):
            plain[section] = {name: value for name, value in plain[section].items() if value is not None}
    return plain


def _first_mistake(error: ValidationError) -> str:
    mistakes = error.errors(include_url=False)
    mistake, path = mistakes[0], _place(mistakes[0]["loc"])
    place = ".".join(path)
    if mistake["type"] == "extra_forbidden":
        known = _keys_at(Scenario, path[:-1])
        return f"{place}: no such key{nearest(path[-1], known)}; known here: {', '.join(known)}"
    # Where several types are allowed, all reasons are given.
    reasons = [other["msg"].removeprefix("Value error, ") for other in mistakes if _place(other["loc"]) == path]
    reason = ", or ".join(dict.fromkeys(reasons))
    given = mistake.get("input")
    shown = "" if isinstance(given, (dict, list, BaseModel)) or mistake["type"] == "missing" else f" (got {given!r})"
    return f"{place or 'scenario'}: {reason[0].lower() + reason[1:]}{shown}"


def _place(location: tuple[str | int, ...]) -> list[str]:
    """Names of keys and positions, without the types that pydantic tried for a value."""
    return [str(part) for part in location if "[" not in str(part) and part != "constrained-str"]


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Field names of the section at ``path``; below a table of named entries, those of an entry."""
    current: Any = model
    for part in path:
        if section := section_of(current):
            current = section.model_fields[part].annotation if part in section.model_fields else None
        elif typing.get_origin(current) is dict:
            current = typing.get_args(current)[1]
    if typing.get_origin(current) is dict:
        current = typing.get_args(current)[1]
    section = section_of(current)
    return list(section.model_fields) if section else []


def as_yaml(scenario: Scenario, config: Mapping[str, Any] | None = None) -> str:
    """The complete scenario, defaults included, as YAML that resolves to the same scenario.

    With the ``config`` from which it was resolved, entries that were dropped there are null, so that the text resolves to
    the same scenario as an overlay of the same default, too.
    """
    content = scenario.model_dump(mode="json")
    for section in TABLES:
        dropped = [name for name, value in ((config or {}).get(section) or {}).items() if value is None]
        content[section] |= dict.fromkeys(dropped)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
