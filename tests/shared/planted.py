"""Small files of every kind that satisfy their contract, and a results folder of them."""

import numpy as np
import xarray as xr

from quench.config.scenario import as_yaml
from quench.pipeline import expected
from quench.pipeline.paths import Paths
from quench.pipeline.stages import STAGES
from quench.store import contracts, files

SIZES = {"network": 2, "time": 3, "waiting_time": 2, "lag": 4, "weight": 5, "sample": 6, "point": 2, "edge": 2}


def dataset(kind, coordinates=None, seed=0):
    """Random values within the bounds of the contract; ``coordinates`` by name, as ``quench.pipeline.expected`` has them."""
    rng = np.random.default_rng(seed)
    given = dict(coordinates or {})
    wanted = dict(contracts.rows(kind))
    if kind == "snapshots":
        wanted["weights"] = contracts.Wanted(("network", "time", "weight"))
    dims = {name: wanted[name].dims[0] if name in wanted else _dimension(name) for name in given}
    sizes = SIZES | {dims[name]: len(values) for name, values in given.items()}
    variables = {}
    for name, (shape, lowest, highest, *_, whole) in wanted.items():
        low, high = (-1, -1) if name == "diverged_at" else (max(lowest, -1.0), max(min(highest, 1.0), lowest))
        values = rng.uniform(low, high, [sizes.get(dim, 2) for dim in shape])
        variables[name] = (shape, np.arange(1, values.size + 1).reshape(values.shape) if whole else values)
    variables |= {name: (dims[name], np.array(values)) for name, values in given.items()}
    if kind == "snapshots":
        variables["time"] = ("time", np.arange(3))
    elif kind == "figure":
        variables["curve"] = ("x", rng.uniform(size=7))
    elif kind == "dataset":
        variables["y"] = ("sample", np.array([-1, 1, 1, -1, 1, -1], dtype=np.int8))
    if "seed" in variables and "seed" not in given:
        variables["seed"] = ("network", np.arange(sizes["network"]))
    return xr.Dataset(variables)


def _dimension(name):
    return {"seed": "network", "width": "point", "weight_decay": "point"}.get(name, name)


def write(path, kind, config=None, coordinates=None, code="abc", seed=0):
    files.write(dataset(kind, coordinates, seed), path, kind=kind, config=config or {}, code=code)
    return path


def names(scenario):
    """Names of all NetCDF files that ``scenario`` declares."""
    paths = Paths(scenario)
    found = [path.removeprefix(f"{paths.folder}/") for rule in STAGES for path in paths.files(rule)]
    return [name for name in found if name.endswith(".nc") and expected.contents(scenario, name) is not None]


def results(root, scenario):
    """Make a folder with a file of every name, each with its expected contents; return the names."""
    root.mkdir(parents=True)
    (root / "config.yaml").write_text(as_yaml(scenario))
    planted = sorted(names(scenario))
    for number, name in enumerate(planted):
        wanted = expected.contents(scenario, name)
        config = {"backend": "reference", **wanted.config}
        if "trajectory" in config:
            config["trajectory"] = {"backend": "reference", **config["trajectory"]}
        write(root / name, wanted.kinds[0], config, wanted.coordinates, seed=number)
    return planted
