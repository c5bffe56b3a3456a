"""The streamed file: what was measured of an ensemble while it was trained, where no snapshot was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.observables.displacement import MOTILITY_EDGES
from quench.observables.pairs import Pairs
from quench.store import files, snapshots

REQUIRED = (
    "overlap",
    "msd",
    "fourth_moment",
    "motility",
    "weight_sizes",
    "largest",
    "sigma",
    "n_weights",
    "hidden_only",
)


def build(
    pairs: Pairs, chis: tuple[float, ...], times: np.ndarray, *, n_weights: int, hidden_only: bool, **trajectory: Any
) -> xr.Dataset:
    """The ``streamed`` contract from ``pairs`` of ``n_weights`` weights; ``trajectory`` as ``snapshots.along`` takes it.

    ``overlap`` (chi, network, waiting_time, lag); ``msd`` and ``fourth_moment`` (network, waiting_time, lag); ``motility``
    (network, waiting_time, motility_lag, motility_bin).
    """
    by_pair = ("network", "waiting_time", "lag")
    updates = "updates"
    return snapshots.along(times, **trajectory).assign(
        overlap=files.described(pairs.overlap, ("chi", *by_pair), "overlap Q(t, t_w)"),
        msd=files.described(pairs.msd, by_pair, "mean square displacement"),
        fourth_moment=files.described(pairs.fourth_moment, by_pair, "fourth moment of the displacement"),
        motility=files.described(
            pairs.motility,
            ("network", "waiting_time", "motility_lag", "motility_bin"),
            "weights per bin of log10 |dw|; -1: not measured",
        ),
        weight_sizes=files.described(
            pairs.weight_sizes, ("network", "waiting_time", "motility_bin"), "weights per bin of log10 |w(t_w)|"
        ),
        largest=files.described(pairs.largest, ("network",), "largest |w| on the way"),
        n_weights=files.described(n_weights, (), "number of weights"),
        hidden_only=files.described(int(hidden_only), (), "1 where the output layer is left out"),
        motility_edge=files.described(MOTILITY_EDGES, ("motility_edge",), "edges of the motility bins, log10 |dw|"),
        chi=files.described(chis, ("chi",), "sigma / epsilon, the overlap length epsilon being measured in it"),
        waiting_time=files.described(pairs.waiting_times, ("waiting_time",), "waiting time t_w", updates),
        lag=files.described(pairs.lags, ("lag",), "lag t", updates),
        motility_lag=files.described(pairs.motility_lags, ("motility_lag",), "lag of the motility histogram", updates),
    )


def check(streamed: xr.Dataset, path: str | Path) -> xr.Dataset:
    """``streamed`` itself; raises ``QuenchError`` that names the file and what it lacks."""
    for name in REQUIRED:
        if name not in streamed:
            raise QuenchError(
                f"{path}: no variable {name!r}; a streamed file comes from quench run --snapshots streamed"
            )
    if not np.array_equal(streamed["motility_edge"].values, MOTILITY_EDGES):
        raise QuenchError(f"{path}: motility bins of another version; run again")
    return streamed
