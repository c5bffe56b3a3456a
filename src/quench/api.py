"""The steps of the pipeline as functions for notebooks: datasets in, datasets out, no files.

``prepare``, ``pretrain``, ``langevin`` and ``observe`` follow one another as the commands of these names do, with the same
numbers; ``pspin`` solves the glass itself. Wrong arguments raise ``QuenchError``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from quench.data.prepare import prepare
from quench.dynamics import preparation, run
from quench.dynamics.choices import Langevin, Preparation
from quench.dynamics.schedule import Schedule
from quench.errors import QuenchError
from quench.observables.lengths import mean_sigma, resolved_lengths
from quench.observables.measure import measure_ensemble
from quench.store import snapshots
from quench.theory.pspin.dataset import solved_glass
from quench.theory.pspin.model import quenched
from quench.theory.pspin.times import Times, end, listed

__all__ = ["langevin", "observe", "prepare", "pretrain", "pspin"]


def pretrain(
    dataset: xr.Dataset,
    *,
    width: int = 16,
    depth: int = 6,
    weight_decay: float = 0.005,
    seeds: Sequence[int] = range(4),
    learning_rate: float = 0.05,
    epochs: int = 400,
    polish: Sequence[tuple[int, float]] = ((50, 0.05), (50, 0.005)),
) -> xr.Dataset:
    """Networks in a minimum of the loss of ``dataset``, from random weights by SGD and full-batch descent (KWJ Sec. III.1).

    ``dataset`` is that of ``prepare``, or holds ``x`` (sample, component) and ``y`` (sample), which is -1 or +1.
    Returned are ``weights`` (network, weight), one network for each of the ``seeds``, and the losses (network, time).
    ``polish``: (number of updates, learning rate) of every leg of descent. A few hundred epochs take seconds, the
    paper's thousands minutes.
    """
    protocol = Preparation(learning_rate, epochs, polish=tuple(polish))
    networks: dict[str, Any] = {"width": width, "depth": depth, "weight_decay": weight_decay, "seeds": list(seeds)}
    return preparation.trajectory(dataset, preparation=protocol, **networks).follow()


def langevin(
    pretrained: xr.Dataset,
    dataset: xr.Dataset,
    *,
    temperature: float,
    step_size: float = 0.02,
    waiting_times: Sequence[int] = (500,),
    lag_max: int = 3000,
) -> xr.Dataset:
    """Snapshots of Langevin dynamics at ``temperature`` from ``pretrained`` networks on their ``dataset`` (KWJ Eq. 3).

    w <- w - mu dL/dw + sqrt(2 mu T / P_D) xi, with ``step_size`` mu, the number of samples P_D and k_B = 1. Returned are
    ``weights`` (network, time, weight) at every waiting time and the lags after it up to ``lag_max``, in updates
    (``quench.Schedule``), and the losses (network, time).
    """
    try:
        dynamics = Langevin(step_size, temperature)
    except ValueError as error:
        raise QuenchError(f"langevin: {error}") from None
    return run.trajectory(pretrained, dataset, dynamics, Schedule(tuple(waiting_times), lag_max)).follow()


def observe(
    trajectory: xr.Dataset | NDArray[np.floating[Any]],
    waiting_times: Sequence[int] | None = None,
    *,
    times: Sequence[int] | None = None,
    chi: float | None = None,
    lags: Sequence[int] | None = None,
) -> xr.Dataset:
    """Overlap, displacement, non-Gaussianity and relaxation times of a trajectory of weights, with 95 % intervals.

    ``trajectory``: a dataset of snapshots (``langevin``, ``quench.record``), or an array of weights (time, weight) or
    (network, time, weight), which was recorded at ``times`` in updates (default: 0, 1, 2, ...). ``waiting_times``
    (default: the declared ones, of an array the first of ``times``) and ``lags`` (default: all) must be recorded. The
    overlap length is epsilon = sigma / chi (KWJ Eq. 14); ``chi`` None takes the middle of those at which tau90 lies
    between ten updates and the longest lag. Returned are quantities (network, waiting_time, lag), their means
    ``..._mean`` and the ends ``..._low`` and ``..._high`` of their intervals over networks; the attribute ``chi`` says
    which was used.
    """
    if not isinstance(trajectory, xr.Dataset):
        trajectory = _of_array(np.asarray(trajectory), times)
        waiting_times = [int(trajectory["time"][0])] if waiting_times is None else waiting_times
    elif times is not None:
        raise QuenchError("observe: a dataset has times of its own; give times with an array only")
    checked = snapshots.check(trajectory, "observe")
    if chi is None:
        first, _ = measure_ensemble([checked], waiting_times, chi=1.0, lags=lags)
        lengths = resolved_lengths(first["msd_mean"], mean_sigma(first))
        if not math.isfinite(lengths.low):
            raise QuenchError("observe: no chi has a tau90 between ten updates and the longest lag; give chi")
        chi = lengths.middle
    return measure_ensemble([checked], waiting_times, chi=chi, lags=lags)[0].assign_attrs(chi=chi)


def _of_array(weights: NDArray[np.floating[Any]], times: Sequence[int] | None) -> xr.Dataset:
    """The snapshots dataset of an array, as a program other than quench would write it."""
    if weights.ndim not in (2, 3):
        raise QuenchError(
            f"observe: weights (time, weight) or (network, time, weight) are needed, not {weights.ndim} axes"
        )
    weights = weights[None] if weights.ndim == 2 else weights
    updates = np.asarray(range(weights.shape[1]) if times is None else times)
    if updates.shape != weights.shape[1:2]:
        raise QuenchError(f"observe: {updates.size} times for {weights.shape[1]} snapshots")
    layer = np.zeros(weights.shape[2], np.int64)
    return xr.Dataset(
        {"weights": (("network", "time", "weight"), weights)}, {"time": updates, "layer": ("weight", layer)}
    )


def pspin(
    p: int | None = None,
    temperature: float = 0.5,
    t_max: float = 1e4,
    *,
    terms: Sequence[tuple[int, float]] = (),
    initial_temperature: float | None = None,
    times: Sequence[float] | None = None,
    waiting_times: Sequence[float] | None = None,
    lags: Sequence[float] | None = None,
    resolution: str = "standard",
    accuracy: float = 1e-5,
) -> xr.Dataset:
    """A quench of the spherical p-spin glass by the Cugliandolo-Kurchan equations (Phys. Rev. Lett. 71, 173), to ``t_max``.

    The covariance is f(C) = C^p / 2 (``p`` None: 3), or that of ``terms`` (k, a_k). Time is in units of the inverse
    friction, temperature in units of the coupling; ``initial_temperature`` None is infinite. Returned are ``energy``
    and ``mu`` (time), ``correlation``, ``response`` and ``susceptibility`` (waiting_time, lag), each with its estimated
    error ``..._error``. The solution ends (NaN) where an error exceeds ``accuracy``. ``times`` and ``lags``: default 0
    and ten per decade from 0.01 to ``t_max``; ``waiting_times``: default the powers of ten below ``t_max``. To t = 10^4
    it takes seconds.
    """
    spaced = listed(f"0,0.01:{t_max!r}:10", "pspin: t_max")
    ages = [10.0**power for power in range(math.ceil(math.log10(t_max)))] or [0.0]
    moments, starts, after = (
        sorted(map(float, default if given is None else given))
        for given, default in ((times, spaced), (waiting_times, ages), (lags, spaced))
    )
    try:
        chosen = Times(moments, starts, after, end(moments, starts, after, t_max))
    except ValueError as error:
        raise QuenchError(f"pspin: {error}") from None
    model = quenched(p, temperature, terms=terms, initial_temperature=initial_temperature)
    return solved_glass(model, chosen, resolution=resolution, accuracy=accuracy)
