"""Declarations of the figures' modules."""

import pytest

from quench.cli.figure import find
from quench.errors import QuenchError
from quench.figures import declared
from quench.provenance import fingerprint, steps


@pytest.mark.parametrize("name", declared.known())
def test_every_figure_declares_its_title_caption_and_needs(name):
    """Declarations are read without an import, and whatever a figure needs may not be missing."""
    found, module = declared.read(name), find(name)
    assert (found.title, found.caption) == (module.TITLE, module.CAPTION)
    assert found.needs == getattr(module, "NEEDS", {})
    for key, count in found.needs.items():
        for alternative in key.split(" or "):
            assert f"``{alternative}``" in module.__doc__
        given = {other.split(" or ")[0]: range(number) for other, number in found.needs.items()}
        declared.check(name, given)
        with pytest.raises(QuenchError, match=f"{name} needs {key}"):
            declared.check(name, given | {key.split(" or ")[0]: range(count - 1)})


def test_unknown_figure_names_the_nearest():
    with pytest.raises(QuenchError, match=r"no figure 'kwj.fg3' \(did you mean 'kwj.fig3'\?\)"):
        find("kwj.fg3")
    with pytest.raises(QuenchError, match=r"no figure 'kwj.panels'"):
        find("kwj.panels")


OWN = 'TITLE = "a"\nCAPTION = "b"\n\n\ndef compute(inputs): ...\n\n\ndef draw(numbers): ...\n'


@pytest.mark.parametrize(
    "text, told",
    [
        (None, "no such file"),
        ("TITLE = ", "not a readable figure module"),
        (OWN.replace("draw", "drew").replace("CAPTION", "Caption"), "no CAPTION, draw"),
    ],
)
def test_unusable_file_of_ones_own_is_refused_before_it_is_imported(text, told, tmp_path):
    path = tmp_path / "own.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(QuenchError, match=told):
        find(str(path))


def test_file_of_ones_own_is_a_figure_whose_fingerprint_follows_its_code(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    assert (find(str(path)).TITLE, declared.read(str(path)).caption) == ("a", "b")
    before = steps.code("figure", figure=str(path))
    for cached in (fingerprint.source, fingerprint._digest, fingerprint.fingerprint):
        cached.cache_clear()
    path.write_text(OWN + "SIZE = 1\n")
    assert steps.code("figure", figure=str(path)) != before
