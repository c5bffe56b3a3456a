"""Points of the phase diagram from Python without files."""

import numpy as np
import xarray as xr

from quench.dynamics import preparation, scan
from quench.dynamics.choices import Compute, Preparation
from quench.store.variables import concat_chunks, config_of

CHOICES = {
    "depth": 2,
    "seeds": (0, 1, 2),
    "preparation": Preparation(learning_rate=0.05, epochs=2, batch_size=20, polish=((3, 0.01),)),
    "compute": Compute("reference"),
}


def dataset():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 4)).astype(np.float32), rng.choice([-1, 1], 40)
    return xr.Dataset({"x": (("sample", "component"), x), "y": ("sample", y)})


def test_point_holds_the_final_state_of_its_networks():
    prepared = preparation.trajectory(dataset(), width=5, weight_decay=0.01, **CHOICES).follow()
    point = scan.trajectory(dataset(), width=5, weight_decay=0.01, **CHOICES).follow()
    for name in ("loss", "data_loss", "active_fraction"):
        assert np.array_equal(point[name][0], prepared[name].isel(time=-1))
    assert np.array_equal(point["loss_curve"][0], prepared["loss"])
    assert np.array_equal(point["state"][0], prepared["state"])
    np.testing.assert_allclose(point["squared_norm"][0], (prepared["weights"] ** 2).sum("weight"), rtol=1e-14)
    # The regularised loss is the data loss and (lambda / 2) |W|^2 (KWJ Eq. 2).
    np.testing.assert_allclose(point["loss"], point["data_loss"] + 0.005 * point["squared_norm"], rtol=1e-12)
    assert int(point["n_weights"][0]) == 4 * 5 + 25 + 5
    assert point.attrs["device"] == prepared.attrs["device"] == "cpu"


def test_points_share_their_config_and_join():
    points = [(3, 0.1), (4, 0.0)]
    trajectories = list(scan.trajectories(dataset(), points, **CHOICES))
    assert len({trajectory.name for trajectory in trajectories}) == 2
    assert trajectories[0].config == trajectories[1].config
    assert not {"width", "weight_decay"} & trajectories[0].config.keys()
    assert trajectories[0].inputs != trajectories[1].inputs
    joined = concat_chunks([trajectory.follow() for trajectory in trajectories], "point")
    assert list(zip(joined["width"].values.tolist(), joined["weight_decay"].values.tolist(), strict=True)) == points
    assert config_of(joined)["depth"] == 2 and joined["seed"].dims == ("network",)
