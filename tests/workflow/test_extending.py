"""The pages on adding something are followed to the letter in a copy of the repository, and the files are counted.

A Python block writes the file that its first line names, a diff block edits the file after ``+++``, and commands run.
"""

import re
import shutil

import pytest
from copies import Copy, shell
from pages import fenced
from places import DOCS, ROOT

pytestmark = pytest.mark.slow
# Files written and edited up to the end of a section, those of tests included: at most so many.
FILES = {
    "add-figure": {"The test": 3, "A claim": 5, "A choice of its own": 6},
    "add-observable": {"The test": 4},
    "add-source": {"A source of images": 2, "A classifier model": 5},
    "add-stage": {"The rule": 6},
}


@pytest.fixture
def repository(tmp_path):
    folder = Copy(tmp_path / "repository", {}).folder
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def write(folder, block):
    """Write a new file; return its name."""
    header, _, text = block.partition("\n")
    name = header.removeprefix("# ")
    assert not (folder / name).exists(), f"{name} exists"
    (folder / name).write_text(text)
    return name


def edit(folder, block):
    """Replace the context and removals of a diff, found once in its file, by context and additions; return its name."""
    header, *lines = block.splitlines()
    old, new = ("".join(f"{line[1:]}\n" for line in lines if line[:1] in (sign, " ", "")) for sign in "-+")
    name = header.removeprefix("+++ ")
    text = (folder / name).read_text()
    assert text.count(old) == 1, f"{name} holds {text.count(old)} times\n{old}"
    (folder / name).write_text(text.replace(old, new))
    return name


@pytest.mark.parametrize("page", FILES)
def test_page_followed_to_the_letter_works(page, repository):
    touched = set()
    for title, section in re.findall(r"^## (.*)$((?:\n(?!## ).*)*)", (DOCS / "howto" / f"{page}.md").read_text(), re.M):
        for language, block in fenced(section):
            if language == "bash":
                for command in block.splitlines():
                    ended = shell(command, repository)
                    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
            else:
                touched.add({"python": write, "diff": edit}[language](repository, block))
        assert len(touched) <= FILES[page].get(title, len(touched)), sorted(touched)
    modules = " ".join(name for name in touched if name.endswith(".py"))
    style = shell(f"ruff check {modules} && ruff format --check {modules}", repository)
    assert style.returncode == 0, style.stdout
