"""Declarations of the figures' modules."""

import pytest

from quench.cli.figure import find
from quench.errors import QuenchError
from quench.figures import declared


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
