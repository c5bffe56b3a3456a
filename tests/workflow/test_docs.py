"""Every command of the documentation: the tutorial and the how-tos are followed to the letter, the others are checked.

Pages that are followed also use their YAML and Python blocks. They run in a copy of the repository whose default scenario
is as small as the smoke scenario; the set-up commands are skipped.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import xarray as xr
import yaml
from copies import shell
from pages import fenced
from places import ROOT

from quench.config.scenario import overlay

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docs")]

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
HOWTO = ROOT / "docs" / "howto"
# Followed to the letter too: test_own_experiment, test_own_run, test_module, test_extending.
ELSEWHERE = [ROOT / "docs" / f"{name}.md" for name in ("own-experiment", "own-run", "reuse")] + [
    *HOWTO.glob("add-*.md")
]
FOLLOWED = [ROOT / "docs" / "tutorial.md", *sorted(set(HOWTO.glob("*.md")) - set(ELSEWHERE))]
SET_UP = ("git clone", "cd ", "make", "source .venv", "apt-get", "pre-commit install")


@dataclass(frozen=True)
class Block:
    language: str
    text: str

    def commands(self) -> list[str]:
        joined = self.text.replace("\\\n", " ")
        words = [shlex.join(shlex.split(line, comments=True)) for line in joined.splitlines()]
        return [line for line in words if line]


def blocks(page: Path) -> list[Block]:
    return [Block(language, text) for language, text in fenced(page.read_text(encoding="utf-8"))]


def commands(page: Path) -> list[str]:
    return [line for block in blocks(page) if block.language == "bash" for line in block.commands()]


@pytest.fixture
def small(new_repository):
    """The repository with the smoke scenario as its default, under the default's name."""
    repository = new_repository("small")
    config = repository.folder / "config"
    read = [yaml.safe_load((config / name).read_text()) for name in ("config.yaml", "smoke.yaml")]
    small = overlay(*read) | {"scenario": "default"}
    small["figures"] = {
        name: section for name, section in small["figures"].items() if section and name.startswith("kwj")
    }
    small["figures"]["kwj_fig6"] = {}
    small["figures"]["kwj_fig2"]["temperatures"] = [0.01, 1e-4]
    small["runs"]["regularised"]["temperatures"] = [0.01, 1e-3, 1e-4, 1e-5]
    small["compute"] = {"backend": "reference", "chunk": 2}
    (config / "config.yaml").write_text(yaml.safe_dump(small))
    return repository


def write_configs(page: Path, folder: Path) -> None:
    """Write the YAML blocks that begin with the name of their file."""
    for block in blocks(page):
        name = re.match(r"# (config/\w+\.yaml)\n", block.text)
        if block.language == "yaml" and name:
            (folder / name[1]).write_text(block.text)


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_page_followed_to_the_letter_works(page, small):
    followed = 0
    for block in blocks(page):
        if block.language == "yaml":
            (small.folder / re.match(r"# (config/\w+\.yaml)\n", block.text)[1]).write_text(block.text)
        elif block.language == "python":
            ended = subprocess.run(
                [sys.executable, "-c", block.text], cwd=small.folder, capture_output=True, text=True, check=False
            )
            assert ended.returncode == 0, f"{block.text}\n{ended.stderr}"
        elif block.language == "bash":
            for command in block.commands():
                if not command.startswith(SET_UP):
                    ended = shell(command, small.folder)
                    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
                    followed += 1
    assert followed


def overlays(page: Path) -> list[str]:
    """The YAML blocks of a page that begin with the name of their file."""
    return [block.text for block in blocks(page) if block.language == "yaml" and block.text.startswith("# config/")]


def points(figure: Path, quantity: str) -> int:
    """Values above one update that a figure shows."""
    with xr.open_dataset(figure) as numbers:
        return int((numbers[quantity] >= 1).sum())


def test_tutorial_changes_its_figure_without_training_and_leaves_the_default_alone(small):
    """As it says: nothing is trained again, the picture changes, and the results are in a folder of their own."""
    first, second, third = overlays(ROOT / "docs/tutorial.md")
    figure = small.folder / "results/tutorial/figures/kwj_fig2.svg"
    pictures = []
    for text, expected in ((first, None), (second, {"observe", "figure", "kwj_fig2"}), (third, None)):
        (small.folder / "config/tutorial.yaml").write_text(text)
        told = shell("snakemake kwj_fig2 --configfile config/tutorial.yaml", small.folder)
        assert told.returncode == 0, told.stderr
        done = set(re.findall(r"^(?:local)?rule (\w+):$", told.stdout + told.stderr, flags=re.MULTILINE))
        assert expected is None or done == expected
        assert "quench: drawn: results/tutorial/figures/kwj_fig2.png" in told.stderr
        pictures.append(figure.read_bytes())
        with xr.open_dataset(figure.with_suffix(".nc")) as numbers:
            assert (numbers["overlap_mean"] < 0.9).any("lag").all()
    assert len(set(pictures)) == 3
    assert shell("quench verify results/tutorial", small.folder).returncode == 0
    assert not (small.folder / "results/default").exists()


def test_figure_of_the_readme_shows_points(small):
    (overlay,) = overlays(ROOT / "README.md")
    (small.folder / "config/mine.yaml").write_text(overlay)
    told = shell("snakemake kwj_fig3 --configfile config/mine.yaml", small.folder)
    assert told.returncode == 0, told.stderr
    assert points(small.folder / "results/mine/figures/kwj_fig3.nc", "tau90_mean") >= 3


def test_networks_of_the_readme_are_trained_at_full_length(untouched):
    """The smaller run above cannot see that a larger lambda drives the weights to zero."""
    (overlay,) = overlays(ROOT / "README.md")
    (untouched.folder / "config/mine.yaml").write_text(overlay)
    target = "results/mine/observables/regularised/T0.0001/chi30.nc"
    told = shell(f"snakemake {target} --configfile config/mine.yaml", untouched.folder)
    assert told.returncode == 0, told.stderr
    assert "trivial phase" not in told.stderr
    with xr.open_dataset(untouched.folder / target) as observed:
        assert observed["tau90"].sizes["network"] == 4
        assert (observed["tau90"] >= 10).all()


CHECKED = [
    pytest.param(page, command, id=f"{page.relative_to(ROOT)}: {command[:70]}")
    for page in PAGES
    if page not in (*FOLLOWED, *ELSEWHERE)
    for command in dict.fromkeys(commands(page))
]


@pytest.mark.parametrize("page, command", CHECKED)
def test_command_exists(page, command, untouched):
    """A command parses its options; Snakemake and make plan; pytest collects; a script prints its help."""
    words = shlex.split(command)
    program = words[0]
    if program == "quench":
        check = (
            "import argparse, importlib, sys; from quench.cli import COMMANDS; name = sys.argv[1]; assert name in COMMANDS;"
            "parser = argparse.ArgumentParser();"
            "importlib.import_module('quench.cli.' + name.replace('-', '_')).add_arguments(parser);"
            "parser.parse_args(sys.argv[2:])"
        )
        arguments = [word for word in words[1:] if word not in ("|", "COMMAND")]
        ended = subprocess.run([sys.executable, "-c", check, *arguments], capture_output=True, text=True, check=False)
    elif program == "snakemake":
        write_configs(page, untouched.folder)
        ended = shell(f"{command} --dry-run" if "{" not in command else "true", untouched.folder)
        if ended.returncode and "is missing and cannot be downloaded" in ended.stderr:
            pytest.skip("needs images that this machine lacks")
    elif program == "make":
        ended = shell(f"make --dry-run {shlex.join(words[1:])}", ROOT)
    elif program == "python" and words[1] == "-m":
        ended = subprocess.run(
            [sys.executable, *words[1:], "--collect-only"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    elif program == "python":
        assert (ROOT / words[1]).exists(), f"{words[1]} does not exist"
        ended = subprocess.run([sys.executable, ROOT / words[1], "--help"], capture_output=True, text=True, check=False)
    else:
        assert command.startswith((*SET_UP, "export ", "sbatch", "squeue", "scancel")), f"{command}: unknown program"
        return
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_pages_build_without_a_warning(tmp_path):
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", tmp_path / "html"]
    ended = subprocess.run(build, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) >= 15
    for page in pages:
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?:[^"]+)"', page.read_text(encoding="utf-8"))
        assert not loaded, f"{page.name} loads {loaded}"


def test_make_names_the_scenarios_when_one_is_misspelt():
    ended = shell("make --dry-run SCENARIO=papr", ROOT)
    assert ended.returncode == 2
    assert 'no scenario "papr" in config; there are: cifar laptop' in ended.stderr + ended.stdout
