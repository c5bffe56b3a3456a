"""States in which training leaves networks; numbers of different states are not averaged.

With weight decay some networks stay for very long in a minimum of high loss, which puts a kink into averages (KWJ Fig. 1c).
A network is in the state ``high_loss`` where its data loss is above a declared share of that at W = 0, ``trivial`` where
that share is 98 %: every weight has gone to zero.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from quench.store.variables import described

DIVERGED, LOW_LOSS, HIGH_LOSS, ZERO_WEIGHTS = -1, 0, 1, 2
MEANINGS = {DIVERGED: "diverged", LOW_LOSS: "low_loss", HIGH_LOSS: "high_loss", ZERO_WEIGHTS: "trivial"}
TRIVIAL = 0.98


def of_losses(data_loss: ArrayLike, zero_loss: float, high_loss: float) -> NDArray[np.int8]:
    """State of each network, any shape, from its final ``data_loss``; ``zero_loss`` is the data loss at W = 0."""
    share = np.asarray(data_loss, float) / zero_loss
    above = (share > high_loss).astype(np.int8) + (share >= TRIVIAL)
    return np.where(np.isfinite(share), above, -1).astype(np.int8)


def variable(states: ArrayLike, dims: tuple[str, ...] = ("network",)) -> xr.Variable:
    """``states`` with their meanings, as CF flags."""
    made = described(np.asarray(states, dtype=np.int8), dims, "state at the end of training")
    made.attrs |= {"flag_values": np.array(list(MEANINGS), dtype=np.int8), "flag_meanings": " ".join(MEANINGS.values())}
    return made


def most_common(states: ArrayLike) -> int:
    """The state of most networks; of several, that of the lowest loss. Diverged networks (-1) do not count."""
    counts = np.bincount(np.maximum(np.asarray(states, dtype=np.int64), -1) + 1, minlength=2)[1:]
    return int(counts.argmax())


def of_main_state(networks: xr.Dataset) -> NDArray[np.bool_]:
    """Whether each network is in the state of most of them (network)."""
    states = networks["state"].values
    main: NDArray[np.bool_] = states == most_common(states)
    return main


def singles(observed: xr.Dataset) -> xr.Dataset:
    """The networks of ``observed`` in the averaged state; NaN, -1 in counts, in place of those that diverged in this run."""
    kept = observed.isel(network=of_main_state(observed))
    alive = kept["diverged_at"] < 0
    spoilt = {
        name: values.where(alive, -1 if values.dtype.kind in "iu" else np.nan)
        for name, values in kept.data_vars.items()
        if "network" in values.dims
    }
    return kept.assign(spoilt)
