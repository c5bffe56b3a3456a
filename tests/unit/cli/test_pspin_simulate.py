"""``quench pspin-simulate``: the file it writes, and the mistakes it tells before any work."""

import numpy as np
import pytest

from quench.cli import main
from quench.store import files
from quench.theory import finite_size

ARGUMENTS = ["pspin-simulate", "--spins", "12", "--seeds", "0-2", "--step", "0.05", "--replicas", "4"]


def test_file_follows_the_glass_contract(tmp_path):
    path = tmp_path / "glass.nc"
    assert main([*ARGUMENTS, "--times", "0.1,0.5", "--waiting-times", "0.1", "--lags", "0,0.2", "-o", str(path)]) == 0
    dataset = files.read(path, kind="glass")
    assert dict(dataset.sizes) == {"time": 2, "realisation": 3, "waiting_time": 1, "lag": 2}
    ensemble = finite_size.simulate(12, [0, 1, 2], [0.1, 0.5], [0.1], [0.0, 0.2], step=0.05, replicas=4)
    mean, error = finite_size.mean_and_error(ensemble.energy)
    assert np.array_equal(dataset.energy, mean)
    assert np.array_equal(dataset.energy_error, error)
    assert np.array_equal(dataset.mu, 0.5 - 3 * mean)
    np.testing.assert_allclose(
        dataset.displacement, 2 * (1 - ensemble.correlation.mean(axis=0)), rtol=1e-12, atol=1e-12
    )
    assert files.config_of(dataset)["n_spins"] == 12
    assert all({"long_name", "units"} <= set(variable.attrs) for variable in dataset.variables.values())


@pytest.mark.parametrize(
    "extra, message",
    [
        (["--times", "0.12"], "multiples of the step"),
        (["--times", "0.1", "--seeds", "1"], "two realisations"),
        ([], "nothing to measure"),
        (["--times", "0.1", "--spins", "500"], "between 3 and 400"),
    ],
)
def test_mistakes_are_one_line(tmp_path, capsys, extra, message):
    path = tmp_path / "glass.nc"
    assert main([*ARGUMENTS, *extra, "-o", str(path)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not path.exists()
