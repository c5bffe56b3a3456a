"""The gallery follows the figures of the default scenario."""

import yaml
from places import CONFIG

from quench.figures import declared
from quench.report import gallery

FIGURES = yaml.safe_load((CONFIG / "config.yaml").read_text())["figures"]


def test_every_figure_has_its_caption_and_command_once():
    page = gallery.page(CONFIG, ())
    assert sorted(line.split()[1] for line in page.splitlines() if line.startswith("snakemake ")) == sorted(FIGURES)
    assert declared.read("kwj.fig3").caption in page
    assert "![" not in page


def test_pictures_that_exist_are_shown():
    assert gallery.page(CONFIG, ["kwj_fig3"]).count("](images/gallery/") == 1
    assert "](images/gallery/kwj_fig3.png)" in gallery.page(CONFIG, ["kwj_fig3"])
