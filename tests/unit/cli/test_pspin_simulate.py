"""``quench pspin-simulate``: the file that it writes, and the mistakes that it reports before any work."""

import pytest
import xarray as xr

from quench.cli import main
from quench.store import files
from quench.theory import finite_size

ARGUMENTS = ["pspin-simulate", "--spins", "12", "--seeds", "0-2", "--step", "0.05", "--replicas", "4"]


def test_the_file_holds_the_simulation(tmp_path):
    path = tmp_path / "glass.nc"
    assert main([*ARGUMENTS, "--times", "0.1,0.5", "--waiting-times", "0.1", "--lags", "0,0.2", "-o", str(path)]) == 0
    dataset = files.read(path, kind="glass")
    assert files.config_of(dataset)["n_spins"] == 12
    times = {"times": [0.1, 0.5], "waiting_times": [0.1], "lags": [0.0, 0.2]}
    simulated = finite_size.glass([0, 1, 2], 0.5, n_spins=12, step=0.05, replicas=4, **times)
    xr.testing.assert_equal(dataset, simulated)
    assert all({"long_name", "units"} <= set(variable.attrs) for variable in dataset.variables.values())


@pytest.mark.parametrize(
    "extra, message",
    [
        (["--times", "0.12"], "multiples of the step"),
        (["--times", "0.1", "--seeds", "1"], "two realisations"),
        ([], "nothing to measure"),
        (["--times", "0.1", "--spins", "500"], "at most 400"),
    ],
)
def test_mistakes_are_one_line(tmp_path, capsys, extra, message):
    path = tmp_path / "glass.nc"
    assert main([*ARGUMENTS, *extra, "-o", str(path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not path.exists()
