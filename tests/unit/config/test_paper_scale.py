"""The table of the paper scenario's parameters holds the values of its configuration."""

import functools
import re

import pytest
import yaml
from places import CONFIG, DOCS

from quench.config.scenario import load_files

ROW = re.compile(
    r"^\| (?P<figure>[^|]+) \| `(?P<key>[^`|]+)` \| `(?P<value>[^`|]+)` \| (?P<source>[^|]+) \|", re.MULTILINE
)
TABLE = (DOCS / "paper-scale.md").read_text(encoding="utf-8")
ROWS = [match.groupdict() for match in ROW.finditer(TABLE)]


@functools.cache
def declared():
    return load_files([CONFIG / "config.yaml", CONFIG / "paper.yaml"]).model_dump(mode="json")


def test_every_row_of_the_tables_is_read():
    lines = [
        line for line in TABLE.splitlines() if line.startswith("| ") and not line.startswith(("| figure", "| ---"))
    ]
    assert len(lines) == len(ROWS) > 60


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["key"])
def test_the_value_in_the_table_is_that_of_the_configuration(row):
    value = functools.reduce(lambda section, key: section[key], row["key"].split("."), declared())
    # YAML takes 1e-4 for a word.
    wanted = yaml.safe_load(re.sub(r"\b(\d)e-", r"\1.0e-", row["value"]))
    assert value == wanted
    assert set(row["source"].split(", ")) <= {"T", "S", "ours"}


def test_every_figure_of_the_papers_is_in_the_tables():
    figures = {name for name in declared()["figures"] if re.fullmatch(r"(kwj|bj)_fig\w+", name)} - {"kwj_fig6"}
    shown = " ".join(row["figure"] for row in ROWS) + TABLE
    missing = [name for name in figures if not re.search(rf"\b{name.split('fig')[1].upper()}", shown)]
    assert missing == []
