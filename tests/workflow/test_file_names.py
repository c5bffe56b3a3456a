"""Files that the user names reach the commands as they are called, whatever a shell or Snakemake makes of the letters."""

import numpy as np
import pytest
import xarray as xr

from quench.config.scenario import resolve
from quench.errors import QuenchError
from quench.store import files

NAMES = (
    "my run.nc",
    "o'brien.nc",
    'a"b.nc',
    "cost$HOME.nc",
    "x$(touch RAN).nc",
    "run[1].nc",
    "-o.nc",
    "a;b&c.nc",
    "*.nc",
)


def snapshots(scale):
    """Brownian snapshots, of which the mean square displacement in one update is ``scale`` squared."""
    steps = scale * np.random.default_rng(0).normal(size=(2, 60, 500))
    dims = ("network", "time", "weight")
    return xr.Dataset({"weights": (dims, np.cumsum(steps, axis=1))}, coords={"time": np.arange(60)})


@pytest.mark.slow
def test_files_of_any_name_are_measured_and_prepared(new_repository):
    repository = new_repository("names")
    # A pattern would find this one.
    snapshots(100).to_netcdf(repository.folder / "run1.nc")
    for number, name in enumerate(NAMES):
        snapshots(number + 1).to_netcdf(repository.folder / name)
    x = np.random.default_rng(0).normal(size=(20, 4))
    np.savez(repository.folder / "it's $HOME [1].npz", x=x, y=np.arange(20) % 2)
    external = {
        f"run{number}": {"snapshots": [name], "chi": 1, "waiting_times": [10]} for number, name in enumerate(NAMES)
    }
    repository.overlay({"external": external, "data": {"own": {"source": "it's $HOME [1].npz", "components": 2}}})
    targets = [f"results/smoke/external/{name}.nc" for name in external] + ["results/smoke/data/own.nc"]
    done = repository.snakemake(targets=targets)
    assert done.returncode == 0, done.stdout + done.stderr
    for number, target in enumerate(targets[:-1]):
        found = files.read(repository.folder / target, kind="observables")
        assert float(found["msd_mean"].sel(waiting_time=10, lag=1)) == pytest.approx((number + 1) ** 2, rel=0.2)
    assert files.read(repository.folder / targets[-1], kind="dataset").sizes["sample"] == 20
    assert not (repository.folder / "RAN").exists()


@pytest.mark.parametrize("name", ["lr=0.1,{seed}.nc", "}.nc", "two\nlines.nc", ""])
def test_names_that_the_workflow_cannot_take_are_refused(name):
    with pytest.raises(QuenchError, match=r"config: external\.mine\.snapshots: .* without braces") as caught:
        resolve({"external": {"mine": {"snapshots": [name], "chi": 1}}})
    assert "\n" not in str(caught.value)
    with pytest.raises(QuenchError, match=r"config: data\.mine\.source: .* without braces"):
        resolve({"data": {"mine": {"source": f"{name or '{}'}.npz"}}})
