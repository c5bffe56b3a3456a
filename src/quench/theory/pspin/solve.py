"""Two solutions of one quench, of different resolution: the finer one and an estimate of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quench.errors import QuenchError, nearest
from quench.theory.pspin.grid import RESOLUTIONS
from quench.theory.pspin.model import Model
from quench.theory.pspin.solution import Solution
from quench.theory.pspin.time_stepping import march

Array = NDArray[np.float64]
# The second solution lives on the same grid with all lengths this much longer: no element stays the same by rounding.
STRETCH = 1.15
# Two solutions 1.15 apart differ by 1.6 to 4 times the error of the finer one, for orders 7 (time) to 12 (row).
# The rest is a margin for times where they cross: with it the estimate covers 98 % of the errors or more
# (docs/pspin.md).
MARGIN = 1.5
# Errors oscillate in time, so the estimate is the largest difference at these multiples of the requested times.
NEIGHBOURS = 2.0 ** np.linspace(-0.5, 0.5, 5)
# No difference of two solutions can see what Newton's method leaves in both; this many times its last change.
LEFT = 5


class Estimated(NamedTuple):
    """A result and its estimated absolute error, arrays of one shape."""

    value: Array
    error: Array


@dataclass(frozen=True)
class Quench:
    """A solved quench, for 0 <= t <= ``t_max``: the end that was requested, or where the first of both solutions ends.

    Values are those of ``fine``, errors come from its distance to ``coarse``. Every method raises ``ValueError`` for
    times outside [0, t_max]. ``failure``: why it ends early, or empty.
    """

    fine: Solution
    coarse: Solution
    t_max: float

    @property
    def model(self) -> Model:
        return self.fine.model

    @property
    def failure(self) -> str:
        return self.fine.failure or self.coarse.failure

    def energy(self, time: ArrayLike) -> Estimated:
        """E(t), energy per spin in units of the coupling."""
        return self._one_time("energy", time, 1.0)

    def mu(self, time: ArrayLike) -> Estimated:
        """The Lagrange multiplier mu(t) that keeps the spins on the sphere, a rate."""
        f = self.model.covariance
        # How much heavier C and R weigh in mu than in E: p for pure p.
        return self._one_time("mu", time, float(f.g(1.0) / f.df(1.0)))

    def _one_time(self, name: str, time: ArrayLike, weight: float) -> Estimated:
        inside = self._in_range(np.asarray(time, float))
        around = np.minimum(inside[..., None] * NEIGHBOURS, self.t_max)
        fine, coarse = (getattr(solution, name) for solution in (self.fine, self.coarse))
        difference = np.abs(fine(around) - coarse(around)).max(axis=-1)
        return Estimated(fine(inside), MARGIN * difference + weight * self._left(inside))

    def two_time(self, waiting_time: ArrayLike, lag: ArrayLike) -> tuple[Estimated, Estimated, Estimated]:
        """Correlation C, response R and integrated response chi at t = t_w + lag, of the broadcast shape of the arguments.

        C(t, t_w) is dimensionless, R(t, t_w) a rate over a coupling, chi(t, t_w) = int_{t_w}^t R(t, s) ds.
        """
        start, lag = np.broadcast_arrays(np.asarray(waiting_time, float), np.asarray(lag, float))
        self._in_range(np.stack([start, lag, start + lag]))
        start_around = np.minimum(start[..., None, None] * NEIGHBOURS, self.t_max)
        lag_around = np.minimum(lag[..., None, None] * NEIGHBOURS[:, None], self.t_max - start_around)
        fine, coarse = (solution.two_time(start_around, lag_around) for solution in (self.fine, self.coarse))
        errors = MARGIN * np.abs(fine - coarse).max(axis=(-2, -1)) + self._left(start + lag)
        values = self.fine.two_time(start, lag)
        correlation, response, susceptibility = map(Estimated, values, errors)
        return correlation, response, susceptibility

    def _left(self, time: Array) -> Array:
        """What Newton's method may have left in C and R up to ``time``."""
        return LEFT * np.maximum(self.fine.last_change(time), self.coarse.last_change(time))

    def _in_range(self, time: Array) -> Array:
        if not np.all((time >= 0) & (time <= self.t_max * (1 + 1e-12))):
            raise ValueError(f"times must lie in [0, {self.t_max:g}], where the quench is solved")
        return np.minimum(time, self.t_max)


def solve(model: Model, t_max: float, *, resolution: str = "standard") -> Quench:
    """Follow the quench of ``model`` (``quenched``) from t = 0 to ``t_max`` > 0, or as far as both solutions get.

    Time is in units of the inverse friction, temperature and energy in units of the coupling; k_B = 1. ``resolution`` is
    one of ``RESOLUTIONS``. The solution ends early (``Quench.failure``) where rounding has grown so far that Newton's method
    fails. Raises ``QuenchError`` for arguments out of range. The second solution is nine twentieths of the cost.
    """
    if not (math.isfinite(t_max) and t_max > 0):
        raise QuenchError(f"p-spin: t_max = {t_max!r} must be positive and finite")
    if resolution not in RESOLUTIONS:
        raise QuenchError(
            f"p-spin: no resolution {resolution!r}{nearest(resolution, RESOLUTIONS)}; known: {', '.join(RESOLUTIONS)}"
        )
    fine = march(model, RESOLUTIONS[resolution], t_max)
    coarse = march(model, RESOLUTIONS[resolution], min(t_max, fine.t_max), STRETCH)
    return Quench(fine, coarse, min(float(t_max), fine.t_max, coarse.t_max))
