"""Snapshots of networks whose weights walk at random: what is measured of any trajectory."""

import numpy as np
import xarray as xr


def random_walk(n_networks=3, n_weights=50, times=(0, 5, 6, 7, 10, 15, 20, 30), seed=0, step=0.01):
    rng = np.random.default_rng(seed)
    gaps = np.diff([0, *times])[None, :, None]
    walk = rng.normal(size=(n_networks, 1, n_weights)) + np.cumsum(
        step * np.sqrt(gaps) * rng.normal(size=(n_networks, len(times), n_weights)), axis=1
    )
    return xr.Dataset(
        {
            "weights": (("network", "time", "weight"), walk),
            "sigma": ("network", walk[:, 0].std(axis=1)),
        },
        coords={
            "time": np.array(times),
            "layer": ("weight", np.repeat([0, 1], [n_weights - 10, 10])),
            "seed": ("network", np.arange(n_networks)),
            "diverged_at": ("network", np.full(n_networks, -1)),
        },
    )
