"""From a plain mapping (Snakemake's ``config``, or YAML files) to a checked scenario, or a line for every mistake."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from yaml.composer import Composer

from quench.config import checks
from quench.config.base import section_of, tables
from quench.config.sections import Figure, Scenario
from quench.errors import QuenchError, nearest

TABLES = tuple(tables(Scenario))
# Mistakes that are printed at most.
SHOWN = 20


def load_files(paths: Iterable[str | Path]) -> Scenario:
    """Scenario of the first YAML file, overridden by the following ones, as with ``snakemake --configfile``."""
    return resolve(merged(paths))


def merged(paths: Iterable[str | Path]) -> dict[str, Any]:
    """The contents of YAML files, each over those before it; one with ``base: none`` starts from nothing."""
    found: dict[str, Any] = {}
    for path in paths:
        content = read_file(path)
        found = overlay({} if content.get("base") == "none" else found, content)
    return found


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


class _Loader(Composer, yaml.CSafeLoader):
    """Plain YAML that refuses a repeated key; YAML itself would silently drop the first one.

    libyaml's parser is six times as fast as Python's. Its composer is not used: deep nesting crashes it.
    """

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)

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

    Raises ``QuenchError`` with a line for every mistake: its place, its reason and the nearest known name.
    """
    plain = _without_nulls(config)
    try:
        scenario = _with_external_figures(Scenario.model_validate(plain))
    except ValidationError as error:
        raise _refusal(list(_mistakes(error, plain))) from None
    if found := list(checks.mistakes(scenario)):
        raise _refusal(found)
    return scenario


def _refusal(mistakes: Sequence[str]) -> QuenchError:
    """One line for each mistake, and how to leave out the figures that have one."""
    more = len(mistakes) - SHOWN
    shown = list(mistakes) if more < 2 else [*mistakes[:SHOWN], f"and {more} more mistakes"]
    figures = dict.fromkeys(line.split(":")[0].split(".")[1] for line in mistakes if _choice_of_figure(line))
    if len(mistakes) > 1 and figures:
        shown.append(f"to leave these figures out, add figures: {{{', '.join(f'{name}: null' for name in figures)}}}")
    return QuenchError("\n".join(f"config: {line}" for line in shown))


def _choice_of_figure(mistake: str) -> bool:
    """True for a mistake where a figure chooses what the scenario does not declare or measure."""
    return mistake.startswith("figures.") and any(word in mistake for word in ("does not measure", ": no '", "not on"))


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


def _mistakes(error: ValidationError, config: Mapping[str, Any]) -> Iterator[str]:
    """One mistake for each key; one for all keys that a new entry of a table lacks."""
    by_place: dict[tuple[str, ...], list[Any]] = {}
    for one in error.errors(include_url=False):
        by_place.setdefault(tuple(_place(one["loc"])), []).append(one)
    lacking: dict[tuple[str, ...], list[str]] = {}
    for path, found in by_place.items():
        if found[0]["type"] == "missing" and len(path) == 3:
            lacking.setdefault(path[:2], []).append(path[2])
    for path, found in by_place.items():
        keys = lacking.get(path[:2], [])
        guess = nearest(path[1], set(map(str, config[path[0]])) - {path[1]}) if keys else ""
        if not guess or path[-1] not in keys:
            yield _mistake(path, found)
        elif path[-1] == keys[0]:
            yield f"{path[0]}.{path[1]}: a new entry{guess} needs {', '.join(keys)}"


def _mistake(path: Sequence[str], mistakes: Sequence[Any]) -> str:
    """Place and reason; where several types are allowed, all reasons are given."""
    first, place = mistakes[0], ".".join(path)
    if first["type"] == "extra_forbidden":
        known = _keys_at(Scenario, path[:-1])
        return f"{place}: no such key{nearest(path[-1], known)}; known here: {', '.join(known)}"
    given = first.get("input")
    if first["type"] == "tuple_type" and isinstance(given, (int, float, str)):
        return f"{place}: a list is needed: [{given}]"
    reasons = [other["msg"].removeprefix("Value error, ") for other in mistakes]
    reason = ", or ".join(dict.fromkeys(reasons))
    shown = "" if isinstance(given, (dict, list, BaseModel)) or first["type"] == "missing" else f" (got {given!r})"
    return f"{place or 'scenario'}: {reason[0].lower() + reason[1:]}{shown}"


def _place(location: tuple[str | int, ...]) -> list[str]:
    """Names of keys and positions, without the types that pydantic tried for a value."""
    return [str(part) for part in location if "[" not in str(part) and part != "constrained-str"]


def _keys_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
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
