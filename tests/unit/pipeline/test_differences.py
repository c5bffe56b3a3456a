"""Two folders of results compared: what must be equal, what may differ, and by how much."""

import shutil

import numpy as np
import pytest
import xarray as xr
from example_results import make
from hypothesis import given
from hypothesis import strategies as st
from places import CONFIG

from quench.cli import main
from quench.config.scenario import as_yaml, load_files
from quench.pipeline import differences, results
from quench.pipeline.differences import ROUNDING, TORCH, beyond, difference
from quench.store import files


def dataset(**values):
    return xr.Dataset({name: ("x", np.asarray(value)) for name, value in values.items()})


@given(st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6), st.sampled_from([ROUNDING, TORCH]))
def test_bound_is_that_of_the_largest_magnitude(largest, bound):
    numbers = dataset(a=[largest, 0.0, np.nan])
    within, outside = (dataset(a=[largest, part * bound * abs(largest), np.nan]) for part in (0.9, 1.1))
    assert beyond(numbers, within, bound) == "" and beyond(numbers, outside, bound)
    assert beyond(numbers, within, 0.0) and not beyond(numbers, numbers, 0.0)


def test_nan_and_infinity_are_equal_to_themselves_alone():
    numbers = dataset(a=[1.0, np.nan, np.inf])
    assert difference(numbers, numbers.copy(deep=True)) == "" == beyond(numbers, numbers, TORCH)
    for other in ([1.0, 2.0, np.inf], [1.0, np.nan, -np.inf], [1.0, np.nan, 5.0], [np.nan, np.nan, np.inf]):
        assert beyond(numbers, dataset(a=other), TORCH), other


def test_numbers_with_an_error_estimate_may_differ_by_it():
    numbers = dataset(a=[1.0, 2.0], a_error=[1e-3, 1e-9])
    assert beyond(numbers, dataset(a=[1.0005, 2.0], a_error=[1.5e-3, 1e-9]), ROUNDING) == ""
    assert beyond(numbers, dataset(a=[1.0, 2.0005], a_error=[1e-3, 1e-9]), ROUNDING)
    assert beyond(numbers, dataset(a=[1.0005, 2.0], a_error=[1e-3, 1e-9]), 0.0), "compiled code has no leeway"


@pytest.mark.parametrize(
    "other",
    [dataset(n=[1, 3]), dataset(n=[1.0, 2.0]), dataset(n=[1, 2, 3]), dataset(m=[1, 2])],
    ids=["integer", "type", "shape", "name"],
)
def test_whatever_is_no_rounding_is_a_difference_beyond_every_bound(other):
    numbers = dataset(n=[1, 2])
    assert difference(numbers, other) and beyond(numbers, other, TORCH)


@pytest.fixture
def folders(tmp_path):
    """Results made twice."""
    here = make(tmp_path / "here")
    scenario = load_files([CONFIG / "config.yaml", CONFIG / "smoke.yaml"])
    (here / "config.yaml").write_text(as_yaml(scenario), encoding="utf-8")
    return here, shutil.copytree(here, tmp_path / "there")


def rewritten(path, change):
    """The file with a change of its numbers, and its own provenance."""
    numbers = files.read(path)
    name = next(name for name, one in numbers.data_vars.items() if one.dtype.kind == "f" and one.size)
    numbers[name].values[...] = change(numbers[name].values)
    files.write(
        numbers, path, kind=numbers.attrs["kind"], config=files.config_of(numbers), code=numbers.attrs["code_fingerprint"]
    )  # fmt: skip


def test_equal_folders_and_other_provenance_are_no_difference(folders, capsys):
    here, there = folders
    rewritten(there / "figures/kwj_fig3.nc", lambda values: values)
    assert main(["verify", str(here), "--against", str(there)]) == 0
    assert "0 differ within their bounds, 0 otherwise" in capsys.readouterr().out


def test_roundings_of_a_figure_are_allowed_and_other_numbers_are_not(folders, capsys):
    here, there = folders
    rewritten(there / "figures/kwj_fig3.nc", lambda values: values * (1 + 1e-15))
    rewritten(there / "figures/kwj_fig4.nc", lambda values: values * (1 + 1e-6))
    (there / "figures/theory_mct.nc").unlink()
    assert main(["verify", str(here), "--against", str(there)]) == 1
    told = capsys.readouterr().out
    assert "1 differ within their bounds, 2 otherwise" in told
    assert "figures/kwj_fig3.nc: values of " in told and "(allowed: BLAS and NumPy round by the processor)" in told
    assert "figures/kwj_fig4.nc: values of " in told and "not allowed" in told
    assert "figures/theory_mct.nc: missing in" in told


def test_file_of_another_configuration_is_told_by_its_key(folders):
    here, there = folders
    path = there / "figures/kwj_fig3.nc"
    numbers = files.read(path)
    config = files.config_of(numbers) | {"scale": "full"}
    files.write(numbers, path, kind="figure", config=config, code=numbers.attrs["code_fingerprint"])
    (found,) = differences.compare(here, there, results.opened(here)[1])
    assert not found.allowed and found.why == "another configuration: scale is None here, full there"
