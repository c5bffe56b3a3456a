"""Observables of Brownian weights in three phases, as ``quench observe`` writes them, and the inputs of figures of them."""

import itertools

import numpy as np
import xarray as xr

from quench.figures.figure_inputs import FigureInputs
from quench.networks import state
from quench.observables.average import average
from quench.observables.measure import measure
from quench.store import files

PHASES = ("regularised", "underparameterised", "overparameterised")
TEMPERATURES = (0.1, 1e-3, 0.0)
P_D, STEP_SIZE, CHI, WAITING_TIMES = 200, 0.02, 30.0, [5, 20]


def observed(temperature, n_networks=3, n_weights=60, diverged=None, states=None):
    """Averaged observables of Brownian weights; the networks ``diverged`` lack the last three snapshots."""
    rng = np.random.default_rng(int(1e6 * temperature))
    times = np.unique(np.concatenate([[0], *(t + np.array([0, 1, 2, 5, 10, 30, 100, 300]) for t in WAITING_TIMES)]))
    variance = 2 * STEP_SIZE * temperature / P_D * np.diff(times, prepend=0)
    steps = np.sqrt(variance)[None, :, None] * rng.normal(size=(n_networks, len(times), n_weights))
    # A creep that slows down, so that weights move at T = 0, too.
    creep = 1e-4 * np.log1p(times)[None, :, None] * rng.normal(size=(n_networks, 1, n_weights))
    # The same prepared networks at every temperature, as in the pipeline.
    prepared = np.random.default_rng(1).normal(size=(n_networks, 1, n_weights))
    walk = prepared + np.cumsum(steps, axis=1) + creep
    diverged_at = np.full(n_networks, -1)
    if diverged is not None:
        walk[diverged, -3:] = np.nan
        diverged_at[diverged] = times[-3]
    loss = 0.1 + 0.05 * rng.random((n_networks, len(times)))
    snapshots = xr.Dataset(
        {
            "weights": (("network", "time", "weight"), walk),
            "loss": (("network", "time"), loss),
            "sigma": ("network", prepared[:, 0].std(axis=1)),
        },
        coords={"time": times, "seed": ("network", np.arange(n_networks)), "diverged_at": ("network", diverged_at)},
    )
    if states is not None:
        snapshots = snapshots.assign_coords(state=state.variable(states))
    return average([measure(snapshots, WAITING_TIMES, chi=CHI, motility_lags=[10, 300])])


def config(temperature):
    prepared = {"width": 16, "weight_decay": 0.005, "epochs": 30, "batch_size": 100, "P_D": P_D}
    trajectory = {
        "dynamics": "langevin",
        "temperature": temperature,
        "step_size": STEP_SIZE,
        "P_D": P_D,
        "waiting_times": WAITING_TIMES,
        "prepared": prepared,
    }
    return {"trajectory": trajectory, "chi": CHI}


def write(folder):
    """Write the observables of every phase and temperature, and prepared networks."""
    for phase, temperature in itertools.product(PHASES, TEMPERATURES):
        path = folder / f"{phase}-{temperature:g}.nc"
        files.write(observed(temperature), path, kind="observables", config=config(temperature), code="test")
    times = np.array([0, 10, 100, 1000])
    loss = 0.5 / (1 + times) + 0.1 * np.arange(1, 4)[:, None]
    prepared = xr.Dataset(
        {"loss": (("network", "time"), loss), "weights": (("network", "weight"), np.ones((3, 4)))},
        coords={"time": times, "seed": ("network", np.arange(3))},
    )
    files.write(
        prepared, folder / "prepared.nc", kind="pretrained", config=config(0.1)["trajectory"]["prepared"], code="test"
    )


def inputs(folder, phases=PHASES, ensembles=False, **choices):
    """The files of ``write`` as inputs of a figure."""
    found = {"runs": {phase: [files.read(folder / f"{phase}-{t:g}.nc") for t in TEMPERATURES] for phase in phases}}
    if ensembles:
        found["ensembles"] = {"regularised": [files.read(folder / "prepared.nc")]}
    return FigureInputs(found, choices)
