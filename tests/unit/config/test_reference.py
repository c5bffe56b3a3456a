"""The generated schema and reference page are those of the models as they are."""

from places import CONFIG

from quench.config import reference


def test_schema_has_not_drifted():
    assert (CONFIG / "schema.json").read_text(encoding="utf-8") == reference.schema()


def test_reference_page_has_not_drifted():
    assert (CONFIG / "README.md").read_text(encoding="utf-8") == reference.page()
