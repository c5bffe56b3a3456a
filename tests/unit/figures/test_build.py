"""A figure as the command builds it: files, numbers, metadata; the same bytes from the same numbers."""

import matplotlib.image
import numpy as np
import observed_runs
import pytest

from quench.cli import main
from quench.cli.figure import find
from quench.config.sections import Figure
from quench.figures import build
from quench.store import files
from quench.store.variables import config_of

pytestmark = pytest.mark.slow

FIGURES = ("kwj.fig2", "kwj.fig3", "kwj.fig5", "kwj.fig7", "kwj.figa2")


@pytest.fixture(scope="module", params=FIGURES)
def built(request, folder, tmp_path_factory):
    """Name and path stem of a figure of one run; figures of several panels take seconds."""
    stem = tmp_path_factory.mktemp("built") / "deep" / request.param.replace(".", "_")
    paths = [str(folder / f"regularised-{t:g}.nc") for t in observed_runs.TEMPERATURES]
    words = ["figure", request.param, "--run", "regularised", *paths]
    if request.param == "kwj.figa2":
        words += ["--ensemble", "regularised", str(folder / "prepared.nc")]
    assert main([*words, "-o", str(stem)]) == 0
    return request.param, stem


def test_figure_has_its_pictures_numbers_and_caption(folder, built):
    name, stem = built
    assert sorted(path.suffix for path in stem.parent.iterdir()) == [".nc", ".pdf", ".png", ".svg"]
    numbers = files.read(f"{stem}.nc", kind="figure")
    module = find(name)
    expected = module.compute(observed_runs.inputs(folder, ["regularised"], ensembles=name == "kwj.figa2"))
    assert set(numbers.variables) == set(expected.variables)
    for variable in expected.variables:
        assert np.array_equal(numbers[variable], expected[variable], equal_nan=expected[variable].dtype.kind == "f")
    assert numbers.attrs["caption"] == module.CAPTION
    assert numbers.attrs["scale_label"].startswith("reduced scale: $P_D$ = 200 · $n$ = 16 · networks = 3")
    picture = matplotlib.image.imread(f"{stem}.png")
    assert picture.std() > 0.05  # not blank
    words = module.CAPTION[:60]
    assert words.encode() in stem.with_suffix(".png").read_bytes()
    assert words.split("&")[0] in stem.with_suffix(".svg").read_text()
    assert b"/Subject" in stem.with_suffix(".pdf").read_bytes()


def test_bytes_repeat_from_the_same_numbers(built, tmp_path):
    """A second picture, from the NetCDF file alone, has the bytes of the first in every format."""
    name, stem = built
    build.draw(find(name), files.read(f"{stem}.nc"), tmp_path / stem.name)
    for suffix in build.FORMATS:
        assert (tmp_path / f"{stem.name}{suffix}").read_bytes() == stem.with_suffix(suffix).read_bytes(), suffix


def test_plotted_numbers_have_names_units_seeds_and_choices(built):
    _, stem = built
    numbers = files.read(f"{stem}.nc")
    assert not [v for v in numbers.variables if not {"long_name", "units"} <= set(numbers[v].attrs)]
    config = config_of(numbers)
    assert config["seeds"] == [0, 1, 2]
    assert {"figure", "scale", *Figure.option_fields()} <= set(config)
