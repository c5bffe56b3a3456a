"""The table of observables: a record holds all that measuring, files, contracts and averages need of one observable.

``MEASURED`` lists what is measured of the weights, from snapshots or during training: a change of it makes streamed runs
stale. ``quench.observables.derived`` lists what follows from these tables afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from quench.numerics.intervals import Scale
from quench.observables.displacement import MOTILITY_EDGES, fourth_moment, motility, msd
from quench.observables.overlap import overlap
from quench.observables.response import cosine, layer_means, layer_response, projection, response
from quench.store.contracts import Wanted
from quench.store.variables import described

KWJ = "Kerr Winter & Janssen 2024"
# What files of every version hold; other observables are checked where they are present.
_ALWAYS = ("overlap", "msd", "fourth_moment")


@dataclass(frozen=True)
class Pair:
    """An ensemble at a waiting time t_w and at t_w + t, as a measuring function receives it.

    ``displacement`` w(t_w + t) - w(t_w) and ``reference`` w(t_w), float64 (network, weight); ``epsilon``, overlap lengths
    (network). Where known: ``layer`` of each weight, numbers 0, 1, ... (weight); ``noise`` and ``field``, sums over the
    noise of the updates between the two times as ``dynamics.accumulated_noise`` defines them; ``control``, the displacement
    of the same networks without noise; all float64 (network, weight).
    """

    displacement: np.ndarray
    reference: np.ndarray
    epsilon: np.ndarray
    layer: np.ndarray | None = None
    noise: np.ndarray | None = None
    field: np.ndarray | None = None
    control: np.ndarray | None = None


@dataclass(frozen=True)
class Observable:
    """One observable of single networks.

    ``function`` of a measured observable takes a ``Pair`` and returns (network, ...), where ... are its own dimensions;
    integers are counts, in which -1 stands for what was not measured, as NaN does in other tables. Where ``of`` is given
    the observable is derived: ``function`` takes the tables of these measured observables and reduces or combines them.
    ``dims`` of the table: ``network``, ``waiting_time``, then ``lag`` for a value at every lag, ``motility_lag`` for one
    at the lags with a histogram, neither for one of the reference itself, then its own.

    ``low`` and ``high`` bound what a sound file may hold. ``needs``: optional fields of ``Pair`` without which it is left
    out. ``per_chi``: depends on epsilon, so that a streamed file holds a table for every chi. ``averaged``: files have its
    average over networks with an interval; a derived one is computed from the averages of its tables.
    """

    name: str
    function: Callable[..., Any]
    dims: tuple[str, ...]
    long_name: str
    units: str = "1"
    references: str = ""
    low: float = -np.inf
    high: float = np.inf
    of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    per_chi: bool = False
    averaged: bool = False

    @property
    def grid(self) -> str:
        """The dimension along which its lags stand; empty for an observable of the reference itself."""
        return next((dim for dim in ("lag", "motility_lag") if dim in self.dims), "")

    @property
    def scale(self) -> Scale:
        """The scale on which its interval is computed, so that the ends stay within its bounds."""
        if self.low < 0:
            return "linear"
        return "logit" if self.high == 1 else "log"

    def variable(self, values: xr.DataArray) -> xr.Variable:
        """``values`` with the dimensions in order and the attributes of a file of observables."""
        references = {"references": self.references} if self.references else {}
        return described(values.transpose(*self.dims).values, self.dims, self.long_name, self.units, **references)


_BY_PAIR = ("network", "waiting_time", "lag")
_BY_LAYER = (*_BY_PAIR, "layer")

MEASURED = (
    Observable(
        name="overlap",
        function=lambda pair: overlap(pair.displacement, pair.epsilon),
        dims=_BY_PAIR,
        long_name="overlap Q(t, t_w)",
        references=f"{KWJ}, Eq. 4",
        low=0,
        high=1,
        per_chi=True,
        averaged=True,
    ),
    Observable(
        name="msd",
        function=lambda pair: msd(pair.displacement),
        dims=_BY_PAIR,
        long_name="mean square displacement",
        references=f"{KWJ}, Eq. 7",
        low=0,
        averaged=True,
    ),
    Observable(
        name="fourth_moment",
        function=lambda pair: fourth_moment(pair.displacement),
        dims=_BY_PAIR,
        long_name="fourth moment of the displacement",
        references=f"{KWJ}, Eq. 9",
        low=0,
    ),
    Observable(
        name="motility",
        function=lambda pair: motility(pair.displacement),
        dims=("network", "waiting_time", "motility_lag", "motility_bin"),
        long_name="weights per bin of log10 |dw|; -1: not measured",
        references=f"{KWJ}, Fig. 7",
        low=-1,
    ),
    # The sizes of the reference weights decide what equal harmonic wells would give (KWJ App. G).
    Observable(
        name="weight_sizes",
        function=lambda pair: motility(pair.reference),
        dims=("network", "waiting_time", "motility_bin"),
        long_name="weights per bin of log10 |w(t_w)|",
        references=f"{KWJ}, App. G",
        low=-1,
    ),
    Observable(
        name="response",
        function=lambda pair: response(pair.displacement, pair.noise, pair.field, pair.control),
        dims=_BY_PAIR,
        long_name="response G to a field, over that of a free weight",
        needs=("noise",),
        averaged=True,
    ),
    Observable(
        name="layer_overlap",
        function=lambda pair: layer_means(np.abs(pair.displacement) <= pair.epsilon[:, None], pair.layer),
        dims=_BY_LAYER,
        long_name="overlap Q(t, t_w) of a layer",
        low=0,
        high=1,
        needs=("layer",),
        per_chi=True,
        averaged=True,
    ),
    Observable(
        name="layer_msd",
        function=lambda pair: layer_means(np.square(pair.displacement), pair.layer),
        dims=_BY_LAYER,
        long_name="mean square displacement of a layer",
        low=0,
        needs=("layer",),
        averaged=True,
    ),
    Observable(
        name="layer_response",
        function=lambda pair: layer_response(pair.displacement, pair.noise, pair.layer, pair.field, pair.control),
        dims=_BY_LAYER,
        long_name="response G of a layer to a field, over that of free weights",
        needs=("layer", "noise"),
        averaged=True,
    ),
    Observable(
        name="control_cosine",
        function=lambda pair: cosine(pair.displacement, pair.control),
        dims=_BY_PAIR,
        long_name="cosine of the displacement and that of the same network at T = 0",
        low=-1,
        high=1,
        needs=("control",),
        averaged=True,
    ),
    Observable(
        name="control_projection",
        function=lambda pair: projection(pair.displacement, pair.control),
        dims=_BY_PAIR,
        long_name="projection of the displacement on that of the same network at T = 0, in units of the latter",
        needs=("control",),
        averaged=True,
    ),
)


def coordinates(
    waiting_times: ArrayLike, lags: ArrayLike, motility_lags: ArrayLike, layers: ArrayLike | None = None
) -> dict[str, xr.Variable]:
    """Coordinates of the tables in a file; times in updates; ``layers``: their numbers, where they are known."""
    known = (
        {}
        if layers is None
        else {"layer": described(np.asarray(layers, np.int64), ("layer",), "layer, 0 at the input")}
    )
    return known | {
        "waiting_time": described(waiting_times, ("waiting_time",), "waiting time t_w", "updates"),
        "lag": described(lags, ("lag",), "lag t", "updates"),
        "motility_lag": described(motility_lags, ("motility_lag",), "lag of the motility histogram", "updates"),
        "motility_edge": described(MOTILITY_EDGES, ("motility_edge",), "edges of the motility bins, log10 |dw|"),
    }


def contract(observables: Iterable[Observable], streamed: bool) -> dict[str, Wanted]:
    """What a file, ``streamed`` or of observables, must hold of ``observables`` and of its networks."""
    rows = {
        one.name: Wanted(
            ("chi", *one.dims) if streamed and one.per_chi else one.dims,
            one.low,
            one.high,
            gaps=True,
            optional=one.name not in _ALWAYS,
        )
        for one in observables
    }
    lows = {"sigma": 0, "seed": 0, "diverged_at": -1}
    return rows | {name: Wanted(("network",), low) for name, low in lows.items()}
